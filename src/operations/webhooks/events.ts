/** Which events follow from an entry of a log, and how they are called. */
import { createHash } from 'node:crypto'
import type { OutboxEvent } from '../../../actors/outbox/types.ts'
import { wakes } from '../../embed/hooks.ts'
import type { WebhookEvent } from '../../embed/webhooks.ts'
import type { Entry } from '../../protocol/entry.ts'
import type { MessageId, Position, Seq, UserId } from '../../protocol/ids.ts'

/** What is told of an event, beside what is looked up when it is sent. */
export type Told = { readonly type: WebhookEvent; readonly data: Readonly<Record<string, unknown>> }

/**
 * What happened. `about`: what makes it the same event when it is told again. `rises`: of a receipt, which one replaces the last of its
 * kind.
 */
export type Happened = Told & {
  readonly about: readonly unknown[]
  readonly rises?: { readonly mark: string; readonly seq: Seq }
}

/** In a log, whose user is `away`: has no connected device. */
export type Place = { readonly owner: UserId; readonly epoch: number; readonly away: boolean }

export function happened(entry: Entry, place: Place): readonly Happened[] {
  if (entry.is === 'message') return [...accepted(entry, place), ...waiting(entry, place)]
  return entry.is === 'receipt' ? receipts(entry, place) : []
}

type Message = Extract<Entry, { is: 'message' }>

/** One for a message: that of a group has it from the group's log, and the copies of members have none. */
function accepted(entry: Message, { owner: to, epoch }: Place): Happened[] {
  const { id, from, time, seq, change, place } = entry
  if (place) return []
  const at: Position = { epoch, seq }
  const data = { id, from, to, at, time, ...(change && { change }) }
  return [{ type: 'message.accepted', data, about: [to, from, id] }]
}

/** For whoever has no device to get it by now. */
function waiting(entry: Message, { owner: to, epoch, away }: Place): Happened[] {
  if (!away || !wakes(entry, to)) return []
  const { id, from, time, seq, change, place } = entry
  const changes = change ?? place?.change
  const at: Position = { epoch, seq }
  const data = { id, from, to, at, time, ...(place && { group: place.group }), ...(changes && { change: changes }) }
  return [{ type: 'message.waiting', data, about: [to, from, id] }]
}

function receipts(entry: Extract<Entry, { is: 'receipt' }>, { owner: from }: Place): Happened[] {
  const { peer: to, epoch, delivered, read } = entry
  const receipt = (type: WebhookEvent, seq: Seq): Happened[] => {
    if (seq === 0) return []
    const about = [from, to, epoch, seq]
    return [
      {
        type,
        data: { from, to, upTo: { epoch, seq } },
        about,
        rises: { mark: `${type} ${epoch} ${from}\n${to}`, seq },
      },
    ]
  }
  return [...receipt('message.delivered', delivered), ...receipt('message.read', read)]
}

/**
 * An event has its name from what it is about, and from nothing that a restart or a restored backup changes: told twice it is the same,
 * for the outbox and for who gets it.
 */
export function named({ type, data, about }: Happened): OutboxEvent {
  const hex = createHash('sha256')
    .update(JSON.stringify([type, ...about]))
    .digest('hex')
  // As a UUID of version 8, which is what each makes of it.
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)]
  return { id: parts.join('-') as MessageId, body: JSON.stringify({ type, data }) }
}

/** That a user has come, or gone: each time another event, whose name is random. */
export const comes = (user: UserId, isOnline: boolean, about: string): OutboxEvent =>
  named({ type: isOnline ? 'user.online' : 'user.offline', data: { user }, about: [about] })

const comings = /^\{"type":"user\.(on|off)line"/

/** Who has come or gone, by an event in an outbox; undefined: nobody. */
export function comingIn(body: string): { readonly user: UserId; readonly isOnline: boolean } | undefined {
  const [, is] = comings.exec(body) ?? []
  return is === undefined ? undefined : { user: toldBy(body).data['user'] as UserId, isOnline: is === 'on' }
}

/** What an event in an outbox says. */
export const toldBy = (body: string): Told => JSON.parse(body)
