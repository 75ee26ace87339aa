/** Accepting messages: every message gets one seq, once; answers and pushes go out in seq order, after durability. */

import type { ErrorCode } from '../../src/protocol/codes.ts'
import { copyExpires, type Entry } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Appended } from '../../src/store/contract.ts'
import { continued } from './lives.ts'
import { overtakes, refuse } from './order.ts'
import { pushLive } from './readers.ts'
import { after, workOf } from './state.ts'
import { noteWaiting } from './timers.ts'
import type { Accepted, Draft, Incoming, Known, LogState, LogTurn, Pending } from './types.ts'

/**
 * Message ids remembered after they are durable, so that a quick repeat needs no look-up; and how many of them leave at a time: whoever
 * looks for the oldest in a map walks past all that have left it.
 */
const [remembered, leaving] = [128, 32]

type More = Pick<Extract<Entry, { is: 'message' }>, 'media' | 'place' | 'change' | 'lifetime' | 'expires'>

const senderOf = (log: LogState, message: Incoming): UserId => (message.is === 'deliver' ? message.from : log.owner)
/** Names a message in memory. */
const keyOf = (log: LogState, message: Incoming): string => `${message.id} ${senderOf(log, message)}`

export function accept(log: LogState, message: Incoming, turn: LogTurn): void {
  const { known, waiting, pending, paused } = workOf(log)
  const earlier = known.get(keyOf(log, message))
  if (earlier) return answerRepeat(log, earlier, message, turn)
  const full = pending.length + waiting.length >= turn.limits.appendsInFlight
  if (full || overtakes(log, message)) return refuse(log, message, 'busy', turn)
  if (!message.again && waiting.length === 0 && !paused) return append(log, message, turn)
  waiting.push(message)
  if (!paused) lookUp(log, turn)
}

/** Looks up those of the waiting messages that may be repeats, all at once; what comes meanwhile waits its turn. */
function lookUp(log: LogState, turn: LogTurn): void {
  const work = workOf(log)
  if (work.lookedUp > 0) return
  const doubtful = work.waiting.filter((message) => message.again)
  work.lookedUp = doubtful.length
  const keys = doubtful.map((message) => ({ sender: senderOf(log, message), id: message.id }))
  turn.effects.push({ do: 'find', keys, upTo: log.tail })
}

export function found(log: LogState, repeats: readonly (Appended | undefined)[] | null, turn: LogTurn): void {
  const work = workOf(log)
  const waiting = work.waiting
  let lookedUp = work.lookedUp
  work.waiting = []
  work.lookedUp = 0
  let next = 0
  for (const [index, message] of waiting.entries()) {
    if (!repeats) {
      refuse(log, message, 'busy', turn)
      continue
    }
    if (work.paused || (message.again && lookedUp === 0)) {
      work.waiting = waiting.slice(index)
      return work.paused ? undefined : lookUp(log, turn)
    }
    const repeat = message.again ? repeats[next++] : undefined
    if (message.again) lookedUp -= 1
    const earlier = work.known.get(keyOf(log, message))
    if (earlier) answerRepeat(log, earlier, message, turn)
    // Above the tail it was a write of a former life that landed late: it does not count.
    else if (repeat && repeat.seq <= log.tail) answer(log, message, repeat, turn.judge(message).lifetime, turn)
    else if (overtakes(log, message)) refuse(log, message, 'busy', turn)
    else append(log, message, turn)
  }
}

function answerRepeat(log: LogState, earlier: Known, message: Incoming, turn: LogTurn): void {
  if (earlier.askers) earlier.askers.push(message)
  else answer(log, message, earlier, turn.judge(message).lifetime, turn)
}

function answer(
  log: LogState,
  { ticket }: Incoming,
  place: Appended,
  lifetime: Lifetime | undefined,
  turn: LogTurn,
): void {
  turn.said.push({ says: 'answer', ticket, answer: accepted(log, place, lifetime) })
}

/** The answer to a message whose entry stands there. */
export function accepted({ epoch }: LogState, { seq, time }: Appended, lifetime: Lifetime | undefined): Accepted {
  const at = { epoch, seq }
  return lifetime ? { is: 'accepted', at, time, lifetime } : { is: 'accepted', at, time }
}

/** A message that is no repeat: its owner says what becomes of it. */
function append(log: LogState, message: Incoming, turn: LogTurn): void {
  const { instead, pauses, lifetime } = turn.judge(message)
  if (instead?.is === 'refused') return refuse(log, message, instead.code, turn)
  if (instead) return void turn.said.push({ says: 'answer', ticket: message.ticket, answer: instead })
  if (!pauses) return enter(log, message, lifetime, nextTime(log, turn.now), turn)
  workOf(log).paused = { message, time: nextTime(log, turn.now) }
  turn.said.push({ says: 'paused', message })
}

/** Time stands still while the log is paused: what is made durable meanwhile has the time of the entry that is to come. */
export function pauseAt(log: LogState, time: Millis): void {
  const { paused } = workOf(log)
  if (paused) paused.time = time
}

/** The message that paused the log, as it is now, becomes an entry, or is refused; and then what waited for it goes on. */
export function resume(log: LogState, message: Incoming | ErrorCode, turn: LogTurn): void {
  const work = workOf(log)
  if (!work.paused) return
  const { message: paused, time } = work.paused
  work.paused = null
  if (typeof message === 'string') refuse(log, paused, message, turn)
  else enter(log, message, turn.judge(message).lifetime, time, turn)
  found(log, [], turn)
}

/** Gives a message its place. */
function enter(log: LogState, message: Incoming, lifetime: Lifetime | undefined, time: Millis, turn: LogTurn): void {
  const seq = nextSeq(log)
  const known = { seq, time, askers: [message] }
  workOf(log).known.set(keyOf(log, message), known)
  add(log, entryOf(message, seq, time, carried(message, lifetime, time)), known, turn)
}

/** Put together in one piece: of two, what reads its parts later takes twice the time. */
function entryOf(message: Incoming, seq: Seq, time: Millis, more: More | undefined): Entry {
  const { id, body } = message
  if (message.is === 'copy') {
    const { to, at } = message
    return more ? { is: 'copy', seq, time, id, to, body, at, ...more } : { is: 'copy', seq, time, id, to, body, at }
  }
  const { from } = message
  return more ? { is: 'message', seq, time, id, from, body, ...more } : { is: 'message', seq, time, id, from, body }
}

/** What an entry has only sometimes; undefined where it has nothing of that, as most: an entry that is put together takes 200 bytes more. */
function carried(message: Incoming, lifetime: Lifetime | undefined, time: Millis): More | undefined {
  const { media, change } = message
  const place = message.is === 'deliver' ? message.place : undefined
  if (!media && !place && !change && !lifetime) return undefined
  const expires = message.is === 'copy' ? copyExpires(lifetime, time) : undefined
  return {
    ...(media && { media }),
    ...(place && { place }),
    ...(change && { change }),
    ...(lifetime && { lifetime }),
    ...(expires !== undefined && { expires }),
  }
}

/** Appends what the owner of the log has to say. `lazy`: nobody waits for it. */
export function write(log: LogState, draft: Draft, lazy: boolean, turn: LogTurn): void {
  add(log, { ...draft, seq: nextSeq(log), time: nextTime(log, turn.now) }, null, turn, lazy)
}

const last = (log: LogState): Entry | undefined => log.work?.pending.at(-1)?.entry
const nextSeq = (log: LogState): Seq => (last(log)?.seq ?? log.tail) + 1
/** No earlier than the entry before it. */
export const nextTime = (log: LogState, now: Millis): Millis =>
  log.work?.paused?.time ?? Math.max(now, last(log)?.time ?? log.lastTime)

function add(log: LogState, entry: Entry, known: Known | null, turn: LogTurn, lazy = false): void {
  const work = workOf(log)
  work.pending.push({ entry, known })
  // While the store fails, new entries wait for the next round: it stays one round at a time.
  if (work.failures === 0) turn.effects.push({ do: 'append', epoch: log.epoch, entries: [entry], lazy })
}

/** The pending entries up to `upTo` are durable: they are answered and pushed, in seq order. */
export function appended(log: LogState, upTo: Seq, turn: LogTurn): void {
  const work = workOf(log)
  const open = work.pending.findIndex(({ entry }) => entry.seq > upTo)
  const durable = work.pending.splice(0, open === -1 ? work.pending.length : open)
  if (work.failures > 0) {
    work.failures = 0
    appendAgain(log, turn)
  }
  if (durable.length === 0) return
  for (const pending of durable) stands(log, pending, turn)
  const entries = durable.map(({ entry }) => entry)
  log.lives = continued(log.lives, turn.limits.term, entries[0]?.seq ?? 0)
  pushLive(log, entries, turn)
  forget(work.known)
}

/** First what it means, then the answer: who hears of it must find what follows from it. */
function stands(log: LogState, { entry, known }: Pending, turn: LogTurn): void {
  if (entry.seq !== log.tail + 1 || entry.time < log.lastTime)
    throw new Error(`entry ${entry.seq} of ${entry.time} follows entry ${log.tail} of ${log.lastTime}`)
  log.tail = entry.seq
  log.lastTime = entry.time
  noteWaiting(log, entry)
  turn.said.push({ says: 'stands', entry })
  if (!known) return
  const lifetime = 'body' in entry ? entry.lifetime : undefined
  for (const message of known.askers ?? []) answer(log, message, entry, lifetime, turn)
  known.askers = null
}

/** The oldest ids leave; those that are not durable stay, since the store does not know them yet. */
function forget(known: Map<string, Known>): void {
  if (known.size <= remembered) return
  for (const [id, { askers }] of known) {
    if (known.size <= remembered - leaving || askers) return
    known.delete(id)
  }
}

/** An append failed or timed out: the same entries are written again, after 0.1 s, doubling up to 5 s. */
export function unappended(log: LogState, turn: LogTurn): void {
  const work = workOf(log)
  if (work.timers.has('append')) return
  after(log, 'append', Math.min(100 * 2 ** work.failures, 5_000), turn)
  work.failures += 1
}

export function appendAgain(log: LogState, turn: LogTurn): void {
  const { pending } = workOf(log)
  if (pending.length === 0) return
  turn.effects.push({ do: 'append', epoch: log.epoch, entries: pending.map(({ entry }) => entry), lazy: false })
}
