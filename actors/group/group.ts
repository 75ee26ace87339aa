/**
 * The group actor: it gives the messages to a group one order, hands each to every member's inbox, and tells senders when
 * all have them. The group has a log (actors/log), which every member reads by a link; what is new here is who may do what
 * (members.ts), the links to the members' inboxes (fanout.ts) and the ticks of many (ticks.ts). `sent` means durable in the log:
 * the fan-out is resumed from there.
 */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { never } from '../../src/protocol/never.ts'
import { valueIn, withValue } from '../../src/protocol/sealed.ts'
import { forgetReader } from '../log/cursors.ts'
import { standing } from '../log/lives.ts'
import { accept, ack, answered, attach, timer as logTimer, resume } from '../log/log.ts'
import { isAnswer, recoverLog } from '../log/recover.ts'
import { restOfLog } from '../log/state.ts'
import { startDue } from '../log/timers.ts'
import type { Accepted, Deliver, Incoming, Judgement, LogEvent, Reader } from '../log/types.ts'
import type { Turn } from '../turn.ts'
import { addition } from './addition.ts'
import { broken, end, fanned, openLinks, retry, take } from './fanout.ts'
import { leftBefore, newcomers, refusal } from './members.ts'
import { entered, record, recorded, recordNow } from './record.ts'
import { confirmedBy, count, marked, retell, roster, ticks } from './ticks.ts'
import type { GroupEffect, GroupLimits, GroupMessage, GroupState, GroupTimer, GroupTurn, Link, Wish } from './types.ts'
import { typing, watch, without } from './watchers.ts'

/** A group is gone from memory when it rests: how far its copies are must not wait for minutes. */
const saveAcksMs = 5_000

export function receive(state: GroupState, message: GroupMessage, given: Turn<GroupLimits, GroupEffect>): void {
  const { now, limits, effects } = given
  const turn: GroupTurn = { now, limits, effects, saveAcksMs, said: [], judge, reads }
  if (state.links.size === 0) openLinks(state, turn)
  handle(state, message, turn)
  // What is heeded may have more said.
  for (const said of turn.said) heed(state, said, turn)
  if (state.log.waiting) startDue(state.log, () => lowestAcked(state), turn)
}

/** Of a member only their own inbox knows what they have read. */
const reads = (): null => null

/** As it was handed to the log: `post` has judged it. One that adds members waits until it is known who is asked first. */
function judge(message: Incoming): Judgement {
  const { lifetime } = message
  const code = message.is === 'deliver' ? message.denied : undefined
  return { lifetime, instead: code && { is: 'refused', code }, pauses: message.change === 'add' && !code }
}

/** How far all links have brought the log; 0: there are none. */
function lowestAcked({ log }: GroupState): Seq {
  let lowest = log.readers.length > 0 ? log.tail : 0
  for (const { acked } of log.readers) lowest = Math.min(lowest, acked)
  return lowest
}

function handle(state: GroupState, message: GroupMessage, turn: GroupTurn): void {
  const { log } = state
  switch (message.is) {
    case 'deliver':
      return post(state, message, turn)
    case 'found':
    case 'appended':
    case 'unappended':
    case 'page':
    case 'saved':
    case 'renamed':
    case 'started':
    case 'refusals':
      return answered(log, message, turn)
    case 'stand': {
      const { session, at, life } = message
      const upTo = standing(log, at)
      return void turn.effects.push({ do: 'stands', session, epoch: at.epoch, life, upTo, now: log.epoch })
    }
    case 'fanned':
      return fanned(state, message.copies, turn)
    case 'receipt':
      return marked(state, message, turn)
    case 'receipted':
      return confirmedBy(state, message, turn)
    case 'consulted':
      return admit(state, message, turn)
    case 'recorded':
      return recorded(state, message.ok, turn)
    case 'members':
      return roster(state, message, turn)
    case 'ticks':
      return ticks(state, message, turn)
    case 'watch':
      return watch(state, message.session, message.by, turn)
    case 'unwatch':
      state.watchers = without(state, message.session)
      return
    case 'typing':
      return typing(state, message.by, message.what, turn)
    case 'timer':
      return timer(state, message.timer, turn)
    case 'resume':
      return count(state, true, turn)
    default:
      return never(message)
  }
}

/** What the log says, and what the group's own features want of it. */
function heed(state: GroupState, said: LogEvent | Wish, turn: GroupTurn): void {
  const { log } = state
  switch (said.says) {
    case 'stands':
      return stands(state, said.entry, turn)
    case 'answer':
      return answer(state, said.ticket, said.answer, turn)
    case 'paused':
      return consult(state, said.message, turn)
    case 'pushed': {
      const link = linkOf(state, said.reader)
      return link && take(state, link, said.entries, turn)
    }
    case 'broken': {
      const link = linkOf(state, said.reader)
      return link && broken(link, turn)
    }
    case 'begin':
      return attach(log, said.link.reader, said.link.ref, null, null, turn)
    case 'ack':
      return void ack(log, said.link.reader, said.seq, turn)
    case 'end':
      return endLink(state, said.link, turn)
    case 'link':
      return openLinks(state, turn)
    case 'resume':
      return resume(log, said.message, turn)
    case 'settle':
      log.settled = said.upTo
      return
    case 'opened':
    case 'live':
    case 'acked':
    case 'saved':
      return
    default:
      return never(said)
  }
}

/** First what it means: whose link is open still gets the entry by which they come back. */
function stands(state: GroupState, entry: Entry, turn: GroupTurn): void {
  if (entry.is !== 'message') return
  entered(state, entry)
  turn.effects.push({ do: 'accepted', epoch: state.log.epoch, entry })
  record(state, turn)
  if (entry.change) turn.said.push({ says: 'link' })
}

/** Who sends to a group is told how many copies that makes. With its answer a change is over, and what waited for it goes on. */
function answer(state: GroupState, ticket: number, answer: Accepted, turn: GroupTurn): void {
  const counted = answer.is === 'accepted' ? { ...answer, members: state.members.size } : answer
  turn.effects.push({ do: 'answer', ticket, answer: counted })
  if (ticket !== state.changing) return
  state.changing = 0
  for (const message of state.held.splice(0)) post(state, message, turn)
}

/** By which a member reads the log. */
const linkOf = ({ linked }: GroupState, { device }: Reader): Link | undefined => linked.get(device as string as UserId)

function endLink(state: GroupState, link: Link, turn: GroupTurn): void {
  if (!state.links.has(link.origin.ref)) return
  end(state, link)
  forgetReader(state.log, link.reader, turn)
  record(state, turn)
}

function timer(state: GroupState, timer: GroupTimer, turn: GroupTurn): void {
  if (typeof timer === 'object') return retry(state, timer.link, turn)
  switch (timer) {
    case 'record':
      state.timers.delete(timer)
      return recordNow(state, turn)
    case 'ticks':
      state.timers.delete(timer)
      return count(state, false, turn)
    case 'retell':
      state.timers.delete(timer)
      return retell(state, turn)
    case 'append':
    case 'save':
    case 'rename':
    case 'saveAcks':
    case 'stay':
    case 'start':
      return logTimer(state.log, timer, turn)
    default:
      return never(timer)
  }
}

/** A message or a change. While a change is under way others wait: it may decide on them. */
function post(state: GroupState, message: Deliver, turn: GroupTurn): void {
  const full = state.held.length >= turn.limits.appendsInFlight
  if (state.changing !== 0 && !full) return void state.held.push(message)
  const denied = state.changing === 0 ? refusal(state, message, turn.limits.members) : 'busy'
  if (message.change && !denied) state.changing = message.ticket
  accept(state.log, judged(state, message, denied), turn)
}

/** One that a crashed actor had stamped is stamped anew. */
function judged(state: GroupState, message: Deliver, denied: ErrorCode | undefined): Deliver {
  const lifetime = stamp(state, message)
  return message.denied === denied && message.lifetime === lifetime ? message : { ...message, denied, lifetime }
}

/** Who is to be added, and has not left before, is looked up: their settings say whether they are asked first. */
function consult(state: GroupState, message: Incoming, turn: GroupTurn): void {
  if (message.is !== 'deliver') return
  const { ticket, from, body } = message
  const users = newcomers(state, String(valueIn(body))).filter((user) => !leftBefore(state, user))
  turn.effects.push({ do: 'consult', ticket, by: from, users })
}

/** It is known who is asked first: the log says it, and everything follows from there. */
function admit(state: GroupState, { ticket, open }: Extract<GroupMessage, { is: 'consulted' }>, turn: GroupTurn): void {
  const paused = state.log.work?.paused?.message
  if (paused?.is !== 'deliver' || paused.ticket !== ticket) return
  if (!open) return void turn.said.push({ says: 'resume', message: 'busy' })
  const users = newcomers(state, String(valueIn(paused.body)))
  const added = users.filter((user) => open.includes(user))
  const value = addition(
    added,
    users.filter((user) => !added.includes(user)),
  )
  const body = withValue(paused.body, value)
  turn.said.push({ says: 'resume', message: { ...paused, body } })
}

/** How long a message stays, where not by default. A change stays until the record has it, and at the members as a notice. */
function stamp({ lifetime }: GroupState, { change, body }: Deliver): Lifetime | undefined {
  const stays = change === 'lifetime' ? (valueIn(body) as Lifetime) : lifetime
  if (stays === 'default' || (change && stays !== 'permanent')) return undefined
  return stays
}

/** Answers to what the former life had asked for; the new one would take them for its own. */
const answers = new Set<GroupMessage['is']>(['fanned', 'recorded', 'consulted', 'timer'])

/** The mail of the next life of an actor that crashed; what was held comes after what the log had taken. */
export function recover(state: GroupState, mail: readonly GroupMessage[]): GroupMessage[] {
  const rest = mail.filter((message) => !answers.has(message.is) && !isAnswer(message.is))
  const taken = recoverLog(state.log, rest).flatMap((message) => (message.is === 'copy' ? [] : message))
  return [...taken, ...state.held, ...rest]
}

export function rest(state: GroupState): 'busy' | 'keep' | 'drop' {
  if (state.changing !== 0 || state.dirty || state.recording > 0 || state.timers.size > 0) return 'busy'
  for (const { flying, waits } of state.links.values()) if (flying > 0 || waits) return 'busy'
  if (restOfLog(state.log) === 'busy' || state.log.unsaved > 0) return 'busy'
  return state.watchers.length > 0 ? 'keep' : 'drop'
}
