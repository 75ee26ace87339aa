/**
 * The group actor: it gives the messages to a group one order, hands each to every member's inbox, and tells senders when
 * all have them. The group's log is an inbox with the machine of a user actor (append, dedupe, order, paging, cursors), in
 * which every member is a device; what is new here is who may do what (members.ts), the links to the members' inboxes
 * (fanout.ts) and the ticks of many (ticks.ts). `sent` means durable in the log: the fan-out is resumed from there.
 */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Millis } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Next } from '../../src/runtime/index.ts'
import { recover as recoverLog } from '../user/recover.ts'
import { rest as restOfLog } from '../user/state.ts'
import type { Deliver, UserMessage } from '../user/types.ts'
import { addition } from './addition.ts'
import { fanned, logged, openLinks, retry } from './fanout.ts'
import { leftBefore, newcomers, refusal } from './members.ts'
import { record, recorded, recordNow } from './record.ts'
import { confirmedBy, count, marked, retell, roster, ticks } from './ticks.ts'
import type { GroupEffect, GroupLimits, GroupMessage, GroupState, GroupTimer, Message } from './types.ts'
import { typing, watch, without } from './watchers.ts'

export function receive(
  state: GroupState,
  message: GroupMessage,
  limits: GroupLimits,
  now: Millis,
): Next<GroupState, GroupEffect> {
  const effects: GroupEffect[] = []
  if (state.links.size === 0) openLinks(state, limits, now, effects)
  handle(state, message, limits, now, effects)
  heed(state, effects, limits, now)
  return { state, effects }
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
    case 'started':
    case 'refusals':
    case 'stand':
      return logged(state, message, limits, now, out)
    case 'fanned':
      return fanned(state, message.copies, limits, now, out)
    case 'receipt':
      return marked(state, message, out)
    case 'receipted':
      return confirmedBy(state, message, out)
    case 'consulted':
      return admit(state, message, limits, now, out)
    case 'recorded':
      return recorded(state, message.ok, limits, now, out)
    case 'members':
      return roster(state, message, out)
    case 'ticks':
      return ticks(state, message, out)
    case 'watch':
      return watch(state, message.session, message.by, out)
    case 'unwatch':
      state.watchers = without(state, message.session)
      return
    case 'typing':
      return typing(state, message.by, message.what, out)
    case 'timer':
      return timer(state, message.timer, limits, now, out)
    case 'resume':
      return count(state, true, out)
  }
}

function timer(state: GroupState, timer: GroupTimer, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  if (typeof timer === 'object') {
    if ('log' in timer) return logged(state, { is: 'timer', timer: timer.log }, limits, now, out)
    return retry(state, timer.link, limits, now, out)
  }
  state.timers.delete(timer)
  if (timer === 'record') return recordNow(state, out)
  return timer === 'ticks' ? count(state, false, out) : retell(state, out)
}

/** A message or a change. While a change is under way others wait: it may decide on them. */
function post(state: GroupState, message: Deliver, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  const full = state.held.length >= limits.appendsInFlight
  if (state.changing !== 0 && !full) return void state.held.push(message)
  const denied = state.changing === 0 ? refusal(state, message, limits.members) : 'busy'
  if (message.change && !denied) state.changing = message.ticket
  if (message.change === 'add' && !denied) return ask(state, message, out)
  enter(state, message, denied, limits, now, out)
}

function enter(
  state: GroupState,
  message: Deliver,
  denied: ErrorCode | undefined,
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  const lifetime = stamp(state, message)
  // One that a crashed actor had stamped is stamped anew.
  const same = message.denied === denied && message.lifetime === lifetime
  logged(state, same ? message : { ...message, denied, lifetime }, limits, now, out)
}

/** Who is to be added, and has not left before, is looked up: their settings say whether they are asked first. */
function ask(state: GroupState, message: Deliver, out: GroupEffect[]): void {
  const { ticket, from, body } = message
  state.asking = message
  const users = newcomers(state, String(body)).filter((user) => !leftBefore(state, user))
  out.push({ do: 'consult', ticket, by: from, users })
}

/** It is known who is asked first: the log says it, and everything follows from there. */
function admit(
  state: GroupState,
  { ticket, open }: Extract<GroupMessage, { is: 'consulted' }>,
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  const { asking } = state
  if (asking?.ticket !== ticket) return
  state.asking = null
  if (!open) return enter(state, asking, 'busy', limits, now, out)
  const users = newcomers(state, String(asking.body))
  const added = users.filter((user) => open.includes(user))
  const body = addition(
    added,
    users.filter((user) => !added.includes(user)),
  )
  enter(state, { ...asking, body }, undefined, limits, now, out)
}

/** How long a message stays, where not by default. A change stays until the record has it, and at the members as a notice. */
function stamp({ lifetime }: GroupState, { change, body }: Deliver): Lifetime | undefined {
  const stays = change === 'lifetime' ? (body as Lifetime) : lifetime
  if (stays === 'default' || (change && stays !== 'permanent')) return undefined
  return stays
}

/** What the log's effects mean for the group: an entry that stands in the log counts, and then what waited for it goes on. */
function heed(state: GroupState, effects: GroupEffect[], limits: GroupLimits, now: Millis): void {
  let changed = false
  for (let at = 0; at < effects.length || changed; at++) {
    const effect = effects[at]
    if (effect?.do === 'accepted') stands(state, effect.entry, limits, now, effects)
    if (effect?.do === 'answer' && effect.ticket === state.changing) changed = true
    if (!changed || at < effects.length - 1) continue
    changed = false
    state.changing = 0
    for (const message of state.held.splice(0)) post(state, message, limits, now, effects)
  }
}

function stands(state: GroupState, entry: Message, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  record(state, out)
  if (entry.change) openLinks(state, limits, now, out)
}

/** The mail of the next life of an actor that crashed; what was held comes after what the log had taken. */
export function recover(state: GroupState, mail: readonly GroupMessage[]): GroupMessage[] {
  const own = new Set<GroupMessage['is']>(['fanned', 'recorded', 'consulted', 'timer'])
  const rest = mail.filter((message) => !own.has(message.is))
  const known = new Set<GroupMessage>(rest)
  const recovered = recoverLog(state.log, rest as UserMessage[]) as GroupMessage[]
  const taken = recovered.filter((message) => !known.has(message))
  const asking = state.asking && !known.has(state.asking) ? [state.asking] : []
  return [...taken, ...asking, ...state.held, ...recovered.filter((message) => known.has(message))]
}

export function rest(state: GroupState): 'busy' | 'keep' | 'drop' {
  if (state.changing !== 0 || state.dirty || state.recording > 0 || state.timers.size > 0) return 'busy'
  for (const { flying, waits } of state.links.values()) if (flying > 0 || waits) return 'busy'
  if (restOfLog(state.log) === 'busy' || state.log.unsaved > 0) return 'busy'
  return state.watchers.length > 0 ? 'keep' : 'drop'
}
