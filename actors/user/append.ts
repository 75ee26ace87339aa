/** Accepting messages: every message gets one seq, once; answers and pushes go out in seq order, after durability. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import { copyExpires } from '../../src/protocol/entry.ts'
import type { Millis, Seq, UserId } from '../../src/protocol/ids.ts'
import { isGroup } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Appended } from '../../src/store/contract.ts'
import { isForNow, type Step } from '../lanes.ts'
import { isFull, lifetimeOf } from '../lifetime.ts'
import { continued } from '../lives.ts'
import { turnsAway } from '../settings.ts'
import { confirmDeleted } from './deletion.ts'
import { keepLifetime } from './preferences.ts'
import { confirm } from './receipts.ts'
import { pushLive } from './replay.ts'
import { confirmSeen } from './seen.ts'
import { after, delivered, work } from './state.ts'
import { noteWaiting } from './timers.ts'
import type { Accepted, Copy, Deliver, Known, Pending, SessionRef, UserEffect, UserLimits, UserState } from './types.ts'

/** Message ids remembered after they are durable, so that a quick repeat needs no look-up. */
const remembered = 128
/** Sessions with a refused message that are remembered. */
const rememberedRefusals = 1_024

type More = Pick<Extract<Entry, { is: 'message' }>, 'media' | 'place' | 'change' | 'lifetime' | 'expires'>

/** The place of a message that was swallowed: no receipt ever reaches it. */
const nowhere = Number.MAX_SAFE_INTEGER

const sender = (state: UserState, message: Deliver | Copy): UserId =>
  message.is === 'deliver' ? message.from : state.user
/** Names a message in memory. */
const key = (from: UserId, id: string): string => `${id} ${from}`

export function accept(
  state: UserState,
  message: Deliver | Copy,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const { known, waiting, pending, changing } = work(state)
  const earlier = known.get(key(sender(state, message), message.id))
  if (earlier) return answerRepeat(state, earlier, message, limits, out)
  const full = pending.length + waiting.length >= limits.appendsInFlight
  if (full || overtakes(state, message)) return refuse(state, message, 'busy', out)
  if (!message.again && waiting.length === 0 && !changing) return append(state, message, limits, now, out)
  waiting.push(message)
  if (!changing) lookUp(state, out)
}

/** Looks up those of the waiting messages that may be repeats, all at once; what comes meanwhile waits its turn. */
function lookUp(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  if (it.asked > 0) return
  const doubtful = it.waiting.filter((message) => message.again)
  it.asked = doubtful.length
  out.push({ do: 'find', keys: doubtful.map((message) => ({ sender: sender(state, message), id: message.id })) })
}

export function found(
  state: UserState,
  repeats: readonly (Appended | undefined)[] | null,
  limits: UserLimits,
  now: Millis,
  out: UserEffect[],
): void {
  const it = work(state)
  const waiting = it.waiting
  let asked = it.asked
  it.waiting = []
  it.asked = 0
  let next = 0
  for (const [index, message] of waiting.entries()) {
    if (!repeats) {
      refuse(state, message, 'busy', out)
      continue
    }
    if (it.changing || (message.again && asked === 0)) {
      it.waiting = waiting.slice(index)
      return it.changing ? undefined : lookUp(state, out)
    }
    const repeat = message.again ? repeats[next++] : undefined
    if (message.again) asked -= 1
    const earlier = it.known.get(key(sender(state, message), message.id))
    if (earlier) answerRepeat(state, earlier, message, limits, out)
    // Above the tail it was a write of a former life that landed late: it does not count.
    else if (repeat && repeat.seq <= state.tail)
      out.push({ do: 'answer', ticket: message.ticket, answer: accepted(state, repeat, stamp(state, message, limits)) })
    else if (overtakes(state, message)) refuse(state, message, 'busy', out)
    else append(state, message, limits, now, out)
  }
}

function answerRepeat(
  state: UserState,
  earlier: Known,
  message: Deliver | Copy,
  limits: UserLimits,
  out: UserEffect[],
): void {
  if (earlier.askers) earlier.askers.push(message)
  else
    out.push({ do: 'answer', ticket: message.ticket, answer: accepted(state, earlier, stamp(state, message, limits)) })
}

function accepted(state: UserState, { seq, time }: Appended, lifetime: Lifetime | undefined): Accepted {
  const at = { epoch: state.epoch, seq }
  return lifetime ? { is: 'accepted', at, time, lifetime } : { is: 'accepted', at, time }
}

/** Whether an earlier message of the same session and round was refused for now. */
function overtakes(state: UserState, message: Deliver | Copy): boolean {
  const refused = message.is === 'deliver' ? work(state).refused.get(message.session) : undefined
  return refused !== undefined && message.is === 'deliver' && !isBefore(message.turn, refused)
}

/** A later round, or an earlier place in the same one. */
const isBefore = (turn: Step, refused: Step): boolean =>
  turn.round > refused.round || (turn.round === refused.round && turn.nth < refused.nth)

function refuse(state: UserState, message: Deliver | Copy, code: ErrorCode, out: UserEffect[]): void {
  const { refused } = work(state)
  if (isForNow(code) && message.is === 'deliver' && message.session !== 0 && !overtakes(state, message)) {
    refused.delete(message.session)
    if (refused.size >= rememberedRefusals) refused.delete(refused.keys().next().value as SessionRef)
    refused.set(message.session, message.turn)
  }
  out.push({ do: 'answer', ticket: message.ticket, answer: { is: 'refused', code } })
}

function append(state: UserState, message: Deliver | Copy, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  if (message.is === 'deliver') {
    const why = turnedAway(state, message, limits, now)
    if (why) return void out.push({ do: 'answer', ticket: message.ticket, answer: why })
  }
  const it = work(state)
  if (message.is === 'deliver' && message.denied) return refuse(state, message, message.denied, out)
  const held = state.tail + it.pending.length - Math.max(delivered(state), state.head - 1)
  if (message.is === 'deliver' && held >= limits.inboxEntries) return refuse(state, message, 'inbox_full', out)
  if (message.change === 'lifetime' && !isGroup(state.user)) return change(state, message, limits, now, out)
  enter(state, message, limits, nextTime(state, now), out)
}

/** The settings come first: whoever sees the entry finds them changed. */
function change(state: UserState, message: Deliver | Copy, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const chat = chatOf(message)
  // A copy is of what the other side has accepted: it is never refused for good.
  if (message.is === 'deliver' && isFull(state.settings, chat, limits.listed))
    return refuse(state, message, 'list_full', out)
  const time = message.is === 'deliver' ? timeAfter(state, chat, now) : nextTime(state, now)
  work(state).changing = { message, time }
  const order = message.is === 'deliver' ? time : message.time
  const lifetime = { chat, lifetime: message.body as Lifetime, time: order, id: message.id }
  keepLifetime(state, lifetime, limits, now, out)
}

/** Later than the change that counts now: with a clock that was set back, which gives one time to many, the id would decide. */
const timeAfter = (state: UserState, chat: UserId, now: Millis): Millis =>
  Math.max(nextTime(state, now), (state.settings.lifetimes.find((known) => known.chat === chat)?.time ?? 0) + 1)

/** The settings have the lifetime that a message changes, or may have it: then the message is to come again. */
export function lifetimeKept(state: UserState, ok: boolean, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const it = work(state)
  if (!it.changing) return
  const { message, time } = it.changing
  it.changing = null
  if (ok) enter(state, message, limits, time, out)
  else refuse(state, message, 'busy', out)
  found(state, [], limits, now, out)
}

/** Gives a message its place. */
function enter(state: UserState, message: Deliver | Copy, limits: UserLimits, time: Millis, out: UserEffect[]): void {
  const seq = nextSeq(state)
  const known = { seq, time, askers: [message] }
  work(state).known.set(key(sender(state, message), message.id), known)
  write(state, entryOf(message, seq, time, carried(state, message, limits, time)), known, out)
}

/** Put together in one piece: of two, what reads its parts later takes twice the time. */
function entryOf(message: Deliver | Copy, seq: Seq, time: Millis, more: More | undefined): Entry {
  const { id, body } = message
  if (message.is === 'copy') {
    const { to, at } = message
    return more ? { is: 'copy', seq, time, id, to, body, at, ...more } : { is: 'copy', seq, time, id, to, body, at }
  }
  const { from } = message
  return more ? { is: 'message', seq, time, id, from, body, ...more } : { is: 'message', seq, time, id, from, body }
}

/** What an entry has only sometimes; undefined where it has nothing of that, as most: an entry that is put together takes 200 bytes more. */
function carried(state: UserState, message: Deliver | Copy, limits: UserLimits, time: Millis): More | undefined {
  const { media, change } = message
  const place = message.is === 'deliver' ? message.place : undefined
  const lifetime = stamp(state, message, limits)
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

/** The chat of a message, as this user names it. */
const chatOf = (message: Deliver | Copy): UserId =>
  message.is === 'copy' ? message.to : (message.place?.group ?? message.from)

/** How long a message stays: in a chat of two by this user's settings, in a group by the group. */
function stamp(state: UserState, message: Deliver | Copy, { lifetime }: UserLimits): Lifetime | undefined {
  if (isGroup(state.user) || isGroup(chatOf(message))) return message.lifetime
  return lifetimeOf(state.settings, chatOf(message), lifetime)
}

/**
 * The answer to a message that this user does not take; undefined: it is taken, as everything in a group is. An invitation that is
 * not taken is swallowed: nobody is told why somebody does not join.
 */
function turnedAway(state: UserState, message: Deliver, limits: UserLimits, now: Millis): Accepted | undefined {
  const { from, place } = message
  const invites = place?.change === 'invite'
  const code = from === state.user || (place && !invites) ? undefined : turnsAway(state.settings, from)
  if (!code) return undefined
  if (!invites && (code !== 'blocked' || !limits.swallows)) return { is: 'refused', code }
  return accepted(state, { seq: nowhere, time: nextTime(state, now) }, stamp(state, message, limits))
}

/** Appends a receipt entry for this user's own devices. */
export function appendReceipt(
  state: UserState,
  receipt: Omit<Extract<Entry, { is: 'receipt' }>, 'is' | 'seq' | 'time'>,
  now: Millis,
  out: UserEffect[],
): void {
  write(state, { is: 'receipt', seq: nextSeq(state), time: nextTime(state, now), ...receipt }, null, out)
}

/** Appends what this user has deleted, for their other devices; answers its seq. */
export function appendDeleted(
  state: UserState,
  chat: UserId,
  from: Seq,
  upTo: Seq,
  now: Millis,
  out: UserEffect[],
): Seq {
  const seq = nextSeq(state)
  write(state, { is: 'deleted', seq, time: nextTime(state, now), chat, from, upTo }, null, out)
  return seq
}

/** Appends what this user has read, for their other devices. */
export function appendSeen(state: UserState, chat: UserId, upTo: Seq, now: Millis, out: UserEffect[]): void {
  write(state, { is: 'seen', seq: nextSeq(state), time: nextTime(state, now), chat, upTo }, null, out)
}

const last = (state: UserState): Entry | undefined => state.work?.pending.at(-1)?.entry
const nextSeq = (state: UserState): Seq => (last(state)?.seq ?? state.tail) + 1
/** While a change of a lifetime is kept, time stands still: the settings have the time of the entry that is to come. */
const nextTime = (state: UserState, now: Millis): Millis =>
  state.work?.changing?.time ?? Math.max(now, last(state)?.time ?? state.lastTime)

function write(state: UserState, entry: Entry, known: Known | null, out: UserEffect[]): void {
  const it = work(state)
  it.pending.push({ entry, known })
  // While the store fails, new entries wait for the next round: it stays one round at a time.
  if (it.failures === 0) out.push({ do: 'append', entries: [entry] })
}

/** The pending entries up to `lastSeq` are durable: they are answered and pushed, in seq order. */
export function appended(state: UserState, lastSeq: Seq, limits: UserLimits, now: Millis, out: UserEffect[]): void {
  const it = work(state)
  const open = it.pending.findIndex(({ entry }) => entry.seq > lastSeq)
  const durable = it.pending.splice(0, open === -1 ? it.pending.length : open)
  if (it.failures > 0) {
    it.failures = 0
    appendAgain(state, out)
  }
  if (durable.length === 0) return
  for (const pending of durable) settle(state, pending, out)
  const entries = durable.map(({ entry }) => entry)
  state.lives = continued(state.lives, limits.term, entries[0]?.seq ?? 0)
  pushLive(state, entries, limits, now, out)
  forget(it.known)
}

function settle(state: UserState, { entry, known }: Pending, out: UserEffect[]): void {
  state.tail = entry.seq
  state.lastTime = entry.time
  if (entry.is === 'receipt') return confirm(state, entry, out)
  if (entry.is === 'seen') return confirmSeen(state, entry, out)
  if (entry.is === 'deleted') return confirmDeleted(state, entry, out)
  if (entry.is === 'gone') return
  if (entry.lifetime) noteWaiting(state, entry)
  // First what it means, then the answer: what waits for the answer in a group must find the group changed.
  if (entry.is === 'message') out.push({ do: 'accepted', epoch: state.epoch, entry })
  for (const { ticket } of known?.askers ?? [])
    out.push({ do: 'answer', ticket, answer: accepted(state, entry, entry.lifetime) })
  if (known) known.askers = null
}

/** The oldest ids leave; those that are not durable stay, since the store does not know them yet. */
function forget(known: Map<string, Known>): void {
  for (const [id, { askers }] of known) {
    if (known.size <= remembered || askers) return
    known.delete(id)
  }
}

/** An append failed or timed out: the same entries are written again, after 0.1 s, doubling up to 5 s. */
export function unappended(state: UserState, out: UserEffect[]): void {
  const it = work(state)
  if (it.timers.has('append')) return
  after(state, 'append', Math.min(100 * 2 ** it.failures, 5_000), out)
  it.failures += 1
}

export function appendAgain(state: UserState, out: UserEffect[]): void {
  const { pending } = work(state)
  if (pending.length > 0) out.push({ do: 'append', entries: pending.map(({ entry }) => entry) })
}
