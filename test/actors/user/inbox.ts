/** Bob's actor and the store under it, for the sentences about an inbox. What a message to the actor looks like is written here only. */

import type { UserEffect } from '../../../actors/user/effects.ts'
import type { UserMessage } from '../../../actors/user/messages.ts'
import { startUser } from '../../../actors/user/state.ts'
import type { UserLimits } from '../../../actors/user/turn.ts'
import { receive } from '../../../actors/user/user.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { DeviceId, MessageId, Position, UserId } from '../../../src/protocol/ids.ts'
import type { Settings } from '../../../src/protocol/settings.ts'
import type { Appended, DeviceCursor } from '../../../src/store/contract.ts'
import { limits } from '../limits.ts'
import { asked } from '../turns.ts'

export const user = (name: string) => name as UserId
const id = (n: number) => `m${n}` as MessageId
export const mail = (seq: number, from = 'ann', body = 'hi'): Entry => ({
  is: 'message',
  seq,
  time: 1,
  id: id(seq),
  from: user(from),
  body,
})
export const cursor = (device: string, seq: number, seenAt = 1): DeviceCursor => ({
  device: device as DeviceId,
  seq,
  seenAt,
})

type Given = {
  /** What the inbox holds. */
  readonly entries?: readonly Entry[]
  readonly cursors?: readonly DeviceCursor[]
  readonly settled?: number
  readonly settings?: Settings
  readonly limits?: Partial<UserLimits>
}
type More = {
  from?: string
  by?: number
  round?: number
  nth?: number
  again?: boolean
  body?: string
  ticket?: number
}

export function inbox({ entries = [], cursors = [], settled = 0, settings, limits: own }: Given = {}) {
  const stored = [...entries]
  const tail = stored.at(-1)?.seq ?? 0
  const head = stored[0]?.seq ?? 1
  const record = { epoch: 7, head, tail, lastTime: 1, cursors, settled, waiting: null, lives: [], was: 0 }
  const state = startUser(user('bob'), tail > 0 ? record : undefined, 7, settings)
  const clock = { now: 1_000 }
  const written: Entry[] = []
  const tell = (message: UserMessage): readonly UserEffect[] => {
    const effects = asked(receive, state, message, { now: clock.now, limits: { ...limits, ...own } })
    for (const effect of effects) if (effect.do === 'append') written.push(...effect.entries)
    return effects
  }
  const deliver = (n: number, { from = 'ann', by = 9, round = 1, nth = n, ...more }: More = {}) =>
    tell({
      is: 'deliver',
      origin: by === 0 ? { is: 'program' } : { is: 'session', ref: by },
      step: { nth, round },
      from: user(from),
      id: id(n),
      body: 'hi',
      again: false,
      ticket: n,
      ...more,
    })
  const copy = (n: number) => {
    const at = { epoch: 3, seq: 8 }
    return tell({ is: 'copy', to: user('ann'), at, time: 5, id: id(n), body: 'hi', again: false, ticket: n })
  }
  const found = (...repeats: (Appended | undefined)[]) => tell({ is: 'found', repeats })
  const notFound = () => tell({ is: 'found', repeats: null })
  /** The store has written what it was asked to, up to `last`. */
  const durable = (last = written.at(-1)?.seq ?? 0) => {
    const [first] = written
    const open = written.findIndex(({ seq }) => seq > last)
    stored.push(...written.splice(0, open === -1 ? written.length : open))
    return tell({ is: 'appended', first: first?.seq ?? 0, last })
  }
  const fails = () => {
    const [first] = written.splice(0)
    return tell({ is: 'unappended', first: first?.seq ?? 0, last: first?.seq ?? 0 })
  }
  const attaches = (session: number, device = 'phone', at: Position | null = null) =>
    tell({ is: 'attach', session, device: device as DeviceId, cursor: at })
  const page = (session: number, from: number, entries: readonly Entry[] | null) =>
    tell({ is: 'page', reader: session, from, entries })
  /** Effects, and what follows where the store answers each read. */
  const read = (effects: readonly UserEffect[]): readonly UserEffect[] => {
    const asks = effects.find((effect) => effect.do === 'fetch' || effect.do === 'scan')
    if (!asks) return effects
    const found = stored.filter(({ seq }) => seq >= asks.from).slice(0, asks.limit)
    const { from } = asks
    const rest = asks.do === 'fetch' ? page(asks.reader, from, found) : tell({ ...asks, is: 'scanned', entries: found })
    return [...effects, ...read(rest)]
  }
  /** Also what has to be saved before it is told from where it begins. */
  const attach = (session: number, device = 'phone', at: Position | null = null) => {
    const effects = attaches(session, device, at)
    const waits = effects.some((effect) => effect.do === 'save') && effects.every((effect) => effect.do !== 'welcome')
    return read(waits ? [...effects, ...saved()] : effects)
  }
  const detach = (session: number) => tell({ is: 'detach', session })
  const ack = (session: number, seq: number) => tell({ is: 'ack', session, seq })
  const reads = (session: number, chat: string, seq: number) => tell({ is: 'read', session, chat: user(chat), seq })
  const heard = (delivered: number, read = 0, again = false, epoch = 5, awaited = false) =>
    tell({ is: 'receipt', from: user('ann'), epoch, delivered, read, again, awaited })
  const confirmed = (peer: string, delivered: number, read = 0) =>
    tell({ is: 'receipted', peer: user(peer), delivered, read })
  const timer = (timer: Extract<UserMessage, { is: 'timer' }>['timer']) => tell({ is: 'timer', timer })
  const saved = (ok = true) => tell({ is: 'saved', ok })
  const asks = { deliver, copy, found, notFound, durable, fails, heard, confirmed, timer, saved }
  return { state, clock, tell, ...asks, attach, attaches, detach, page, read, ack, reads }
}

export const of = <Kind extends UserEffect['do']>(effects: readonly UserEffect[], kind: Kind) =>
  effects.filter((effect): effect is Extract<UserEffect, { do: Kind }> => effect.do === kind)
/** By ticket, the place that a message has, or why it was refused. */
export const answers = (effects: readonly UserEffect[]) =>
  of(effects, 'answer').map(({ ticket, answer }) => [ticket, answer.is === 'accepted' ? answer.at.seq : answer.code])
/** By session, the seqs that it is sent. */
export const pushes = (effects: readonly UserEffect[]) =>
  of(effects, 'push').map(({ session, entries }) => [session, entries.map(({ seq }) => seq)])
/** The seqs of the entries that the store is to write. */
export const appends = (effects: readonly UserEffect[]) =>
  of(effects, 'append').flatMap(({ entries }) => entries.map(({ seq }) => seq))
/** Who is told what of their messages. */
export const told = (effects: readonly UserEffect[]) =>
  of(effects, 'tell').map(({ user, message }) => [user, message.is, message.delivered, message.read])
