/**
 * The group actor: it gives the messages to a group one order, hands each to every member's inbox, and tells senders when
 * all have them. The group's log is an inbox with the machine of a user actor (append, dedupe, order, paging, cursors), in
 * which every member is a device; what is new here is who may do what (members.ts), the links to the members' inboxes
 * (fanout.ts) and the ticks of many (ticks.ts). `sent` means durable in the log: the fan-out is resumed from there.
 */
import type { Millis } from '../../src/protocol/ids.ts'
import type { Next } from '../../src/runtime/index.ts'
import { recover as recoverLog } from '../user/recover.ts'
import { rest as restOfLog } from '../user/state.ts'
import type { Deliver, UserMessage } from '../user/types.ts'
import { fanned, link, logged, openLinks, retry } from './fanout.ts'
import { refusal } from './members.ts'
import { entered, record, recorded, recordNow } from './record.ts'
import { confirmedBy, count, marked, retell, roster, ticks } from './ticks.ts'
import type { GroupEffect, GroupLimits, GroupMessage, GroupState, GroupTimer } from './types.ts'

export function receive(
  state: GroupState,
  message: GroupMessage,
  limits: GroupLimits,
  now: Millis,
): Next<GroupState, GroupEffect> {
  const effects: GroupEffect[] = []
  if (state.links.size === 0) openLinks(state, limits, now, effects)
  handle(state, message, limits, now, effects)
  return { state, effects: effects.flatMap((effect) => heed(state, effect, limits, now)) }
}

function handle(state: GroupState, message: GroupMessage, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  switch (message.is) {
    case 'deliver':
      return post(state, message, limits, now, out)
    case 'found':
    case 'appended':
    case 'unappended':
    case 'page':
    case 'saved':
    case 'refusals':
      return logged(state, message, limits, now, out)
    case 'fanned':
      return fanned(state, message, limits, now, out)
    case 'receipt':
      return marked(state, message, out)
    case 'receipted':
      return confirmedBy(state, message, out)
    case 'recorded':
      return recorded(state, message.ok, out)
    case 'members':
      return roster(state, message, out)
    case 'ticks':
      return ticks(state, message, out)
    case 'timer':
      return timer(state, message.timer, limits, now, out)
    case 'resume':
      return count(state, out)
  }
}

function timer(state: GroupState, timer: GroupTimer, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  if (typeof timer === 'object') {
    if ('log' in timer) return logged(state, { is: 'timer', timer: timer.log }, limits, now, out)
    return retry(state, timer.link, limits, now, out)
  }
  state.timers.delete(timer)
  if (timer === 'record') return recordNow(state, out)
  return timer === 'ticks' ? count(state, out) : retell(state, out)
}

/** A message or a change. While a change is under way others wait: it may decide on them. */
function post(state: GroupState, message: Deliver, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  const full = state.held.length >= limits.appendsInFlight
  if (state.changing !== 0 && !full) return void state.held.push(message)
  const denied = state.changing === 0 ? refusal(state, message, limits.members) : 'busy'
  if (message.change && !denied) state.changing = message.ticket
  logged(state, denied ? { ...message, denied } : message, limits, now, out)
}

/** What the log's effects mean for the group. */
function heed(state: GroupState, effect: GroupEffect, limits: GroupLimits, now: Millis): GroupEffect[] {
  const out: GroupEffect[] = [effect]
  if (effect.do === 'accepted') {
    entered(state, effect.entry)
    record(state, out)
    for (const member of state.members.values()) if (effect.entry.change) link(state, member, limits, now, out)
  }
  if (effect.do === 'answer' && effect.ticket === state.changing) {
    state.changing = 0
    for (const message of state.held.splice(0)) post(state, message, limits, now, out)
  }
  return out.length === 1 ? out : [effect, ...out.slice(1).flatMap((next) => heed(state, next, limits, now))]
}

/** The mail of the next life of an actor that crashed; what was held comes after what the log had taken. */
export function recover(state: GroupState, mail: readonly GroupMessage[]): GroupMessage[] {
  const own = new Set<GroupMessage['is']>(['fanned', 'recorded', 'timer'])
  const rest = mail.filter((message) => !own.has(message.is) || message === mail[0])
  const known = new Set<GroupMessage>(rest)
  const recovered = recoverLog(state.log, rest as UserMessage[]) as GroupMessage[]
  const taken = recovered.filter((message) => !known.has(message))
  return [...taken, ...state.held, ...recovered.filter((message) => known.has(message))]
}

export function rest(state: GroupState): 'busy' | 'drop' {
  const waiting = state.changing !== 0 || state.dirty || state.recording || state.timers.size > 0
  return waiting ||
    [...state.links.values()].some(({ flying, waits }) => flying > 0 || waits) ||
    restOfLog(state.log) === 'busy'
    ? 'busy'
    : 'drop'
}
