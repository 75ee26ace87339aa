/** What the program that embeds a node does as any of its users. */

import { toUser } from '../../actors/addresses.ts'
import { isFull } from '../../actors/lifetime.ts'
import { attachTo, type NodeMedia } from '../media/media.ts'
import type { Carrier } from '../protocol/entry.ts'
import { bodySize, historyLimit } from '../protocol/frames.ts'
import type { Change, Place } from '../protocol/group.ts'
import {
  type Body,
  isBody,
  isChatId,
  isCount,
  isGroup,
  isMedia,
  isMessageId,
  isUserId,
  type MediaRef,
  type Millis,
  type Position,
  type Seq,
  type UserId,
} from '../protocol/ids.ts'
import { isLifetime } from '../protocol/lifetime.ts'
import type { Limits } from '../protocol/limits.ts'
import { checkOptions, isAny, type Rule } from '../protocol/options.ts'
import { isSealed } from '../protocol/sealed.ts'
import type { Clock } from '../runtime/index.ts'
import type { HistoryStore } from '../store/contract.ts'
import { ask, type Posting, post, SendRefused } from './post.ts'

export type SendAs = {
  readonly from: string
  readonly to: string
  readonly body: Body
  /** Media that was uploaded before. */
  readonly media?: MediaRef
  /** Repeat it on a retry: the message is then sent once. Default: a new UUID. */
  readonly id?: string
}

/** A message of a user's history. */
export type PastMessage = {
  readonly id: string
  readonly from: string
  readonly body: Body
  readonly media?: MediaRef
  /** What the message changes in the chat; the body is the value. */
  readonly change?: Change
  readonly time: Millis
  /** Where it stands in the user's inbox. */
  readonly seq: Seq
  /** In a group, of a message from another member: where it stands there. */
  readonly place?: Place
}

export type Before = { readonly time: Millis; readonly seq: Seq }

type Context = Posting & {
  readonly clock: Pick<Clock, 'uuid'>
  readonly store: HistoryStore
  readonly limits: Limits
  readonly media: NodeMedia | undefined
}

/** What the values must be, a SendRefused says. */
const sendRules: Record<keyof SendAs, Rule> = { from: isAny, to: isAny, body: isAny, media: isAny, id: isAny }

export function asUsers(context: Context) {
  const { limits, store, clock } = context
  return {
    async send(message: SendAs): Promise<Position> {
      checkOptions('send', message, sendRules)
      const { from, to, body, media, id: given } = message
      const id = given ?? clock.uuid()
      if (!isUserId(from, limits.idLength) || !isChatId(to, limits.idLength) || !isMessageId(id))
        throw new SendRefused('bad_id', id)
      if (!isBody(body) || (media !== undefined && !isMedia(media))) throw new SendRefused('bad_frame', id)
      if (isSealed(body)) throw new SendRefused('bad_frame', id)
      if (bodySize(body) > limits.bodyBytes) throw new SendRefused('too_large', id)
      const code = media && (await attachTo(context.media, media, from, id))
      if (code) throw new SendRefused(code, id)
      return post(context, { from, to, id, body, media, again: given !== undefined })
    },
    async setLifetime(from: string, chat: string, lifetime: string, given?: string): Promise<Position> {
      const id = given ?? clock.uuid()
      if (!isUserId(from, limits.idLength) || !isChatId(chat, limits.idLength) || !isMessageId(id))
        throw new SendRefused('bad_id', id)
      if (!isLifetime(lifetime)) throw new SendRefused('bad_frame', id)
      const settings = await context.router.query(toUser(from), 'settings')
      if (!isGroup(chat) && isFull(settings, chat, limits.listed)) throw new SendRefused('list_full', id)
      return post(context, { from, to: chat, id, body: lifetime, change: 'lifetime', again: given !== undefined })
    },
    async history(user: string, chat: string, options: { before?: Before | undefined; limit?: number } = {}) {
      checkOptions('history', options, { before: isAny, limit: isAny })
      const { before, limit = historyLimit } = options
      if (!isUserId(user, limits.idLength) || !isChatId(chat, limits.idLength)) throw new SendRefused('bad_id', '')
      if (!isCount(limit) || limit < 1) throw new RangeError('limit must be a whole number from 1')
      const found = await store.history(user, chat, before ?? null, limit, Number.MAX_SAFE_INTEGER)
      return found.map((entry) => pastMessage(user, entry))
    },
    async deleteChat(user: string, chat: string): Promise<void> {
      if (!isUserId(user, limits.idLength) || !isChatId(chat, limits.idLength)) throw new SendRefused('bad_id', '')
      const whole = { is: 'erase', chat, from: 1, upTo: Number.MAX_SAFE_INTEGER } as const
      await ask(context, '', toUser(user), (ticket) => ({ ...whole, ticket }))
    },
  }
}

function pastMessage(user: UserId, entry: Carrier): PastMessage {
  const { id, body, time, seq, media, change } = entry
  const more = { ...(media && { media }), ...(change && { change }) }
  if (entry.is === 'copy') return { id, from: user, body, time, seq, ...more }
  const { from, place } = entry
  return { id, from, body, time, seq, ...more, ...(place && { place }) }
}
