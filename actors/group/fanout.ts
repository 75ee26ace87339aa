/**
 * The fan-out: each member is a device that reads the group's log, and its link hands the entries on to the member's inbox.
 * An entry is acknowledged to the log when it is durable there, so that a crash at any moment repeats what is not, and the
 * inbox drops what it has. A member whose inbox is full or busy waits alone; what is for it stays in the log.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, Millis, Seq } from '../../src/protocol/ids.ts'
import { save } from '../user/cursors.ts'
import type { Accepted, UserEffect, UserMessage } from '../user/types.ts'
import { receive } from '../user/user.ts'
import { isInvitation, maySee } from './members.ts'
import { entered, record } from './record.ts'
import type { Fanned, GroupEffect, GroupLimits, GroupState, Link, Member, Message } from './types.ts'

/** After a refusal copies to a member are tried again after this time. */
const retryMs = { busy: 500, inbox_full: 5_000 }

/** The log's timers are no longer than this. */
const longestMs = 5_000

/** Opens a link to everyone who may be owed something. */
export function openLinks(state: GroupState, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  for (const member of state.members.values()) link(state, member, limits, now, out)
}

/** Opens a link to a member, unless there is one. A new one starts with the first entry that they may see. */
function link(state: GroupState, member: Member, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  if (state.linked.has(member.user)) return
  const device = state.log.devices.find(({ device }) => device === (member.user as string))
  const cursor = device ? null : { epoch: state.log.epoch, seq: (member.spans[0]?.from ?? 1) - 1 }
  state.linkRefs += 1
  const opened: Link = {
    ref: state.linkRefs,
    member: member.user,
    round: 1,
    flying: 0,
    refused: 0,
    waits: false,
    broken: false,
    againTo: state.startTail,
    entries: [],
  }
  state.links.set(opened.ref, opened)
  state.linked.add(member.user)
  attach(state, opened, cursor, limits, now, out)
}

function attach(
  state: GroupState,
  { ref, member }: Link,
  cursor: Extract<UserMessage, { is: 'attach' }>['cursor'],
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  const device = member as string as DeviceId
  logged(state, { is: 'attach', session: ref, device, cursor }, limits, now, out)
}

/** Hands a message to the group's log, and takes from its effects what is for links. */
export function logged(
  state: GroupState,
  message: UserMessage,
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  for (const effect of receive(state.log, message, limits, now).effects) heed(state, effect, limits, now, out)
}

function heed(state: GroupState, effect: UserEffect, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  switch (effect.do) {
    case 'append':
    case 'find':
    case 'fetch':
    case 'save':
    case 'start':
    case 'stands':
      return void out.push(effect)
    case 'answer':
      return void out.push({ ...effect, answer: counted(state, effect.answer) })
    case 'accepted':
      // First what it means: whose link is open still gets the entry by which they come back.
      entered(state, effect.entry)
      return void out.push(effect)
    case 'after':
      // A group is gone from memory when it rests: how far its copies are must not wait for minutes.
      return void out.push({ do: 'after', ms: Math.min(effect.ms, longestMs), timer: { log: effect.timer } })
    case 'push': {
      const link = state.links.get(effect.session)
      if (link) take(state, link, effect.entries, limits, now, out)
      return
    }
    case 'close': {
      // The page could not be read, or entries have expired: the link starts again from what is durable.
      const link = state.links.get(effect.session)
      if (!link) return
      link.broken = true
      wait(link, retryMs.busy, out)
    }
  }
}

/** Who sends to a group is told how many copies that makes. */
const counted = ({ members }: GroupState, answer: Accepted): Accepted =>
  answer.is === 'accepted' ? { ...answer, members: members.size } : answer

function take(
  state: GroupState,
  link: Link,
  entries: readonly Entry[],
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  const member = state.members.get(link.member)
  for (const read of entries) {
    const { seq } = read
    if (read.is !== 'message') {
      link.entries.push({ seq, entry: null, done: true })
      continue
    }
    const entry = member && isInvitation(member, read) ? invitation(state, read) : read
    // Who sent it has it; changes go to everyone.
    const done = !member || !maySee(member, seq) || (entry.from === link.member && !entry.change)
    link.entries.push({ seq, entry, done })
    if (!done && link.refused === 0) copy(link, entry, entry.seq <= link.againTo, out)
  }
  advance(state, link, limits, now, out)
}

const invitation = ({ name }: GroupState, entry: Message): Message => ({ ...entry, body: name, change: 'invite' })

function copy(link: Link, entry: Message, again: boolean, out: GroupEffect[]): void {
  link.flying += 1
  out.push({
    do: 'fan',
    link: link.ref,
    member: link.member,
    entry,
    turn: { nth: entry.seq, round: link.round },
    again,
  })
}

/** Members' actors have answered copies. */
export function fanned(
  state: GroupState,
  copies: readonly Fanned[],
  limits: GroupLimits,
  now: Millis,
  out: GroupEffect[],
): void {
  const moved = new Set<Link>()
  for (const copy of copies) {
    const link = state.links.get(copy.link)
    if (!link || copy.turn.round !== link.round) continue
    answered(link, copy, out)
    moved.add(link)
  }
  for (const link of moved) advance(state, link, limits, now, out)
}

function answered(link: Link, { turn, answer }: Fanned, out: GroupEffect[]): void {
  link.flying -= 1
  const found = link.entries.find(({ seq }) => seq === turn.nth)
  // A copy that can never be taken (it crashed the actor twice) must not hold up all that follow.
  const done = answer.is === 'accepted' || answer.code === 'failed'
  if (found && done) found.done = true
  else if (link.refused === 0 || turn.nth < link.refused) link.refused = turn.nth
  if (link.flying === 0 && link.refused > 0)
    wait(link, answer.is === 'refused' && answer.code === 'inbox_full' ? retryMs.inbox_full : retryMs.busy, out)
}

function wait(link: Link, ms: number, out: GroupEffect[]): void {
  if (link.waits) return
  link.waits = true
  out.push({ do: 'after', ms, timer: { link: link.ref } })
}

/** A link goes on after a refusal, from the first copy that was refused; or after the log has closed it. */
export function retry(state: GroupState, ref: number, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  const link = state.links.get(ref)
  if (!link) return
  link.waits = false
  link.round += 1
  link.refused = 0
  if (link.broken) {
    Object.assign(link, { broken: false, flying: 0, againTo: state.log.tail })
    link.entries.length = 0
    return attach(state, link, null, limits, now, out)
  }
  for (const { entry, done } of link.entries) if (entry && !done) copy(link, entry, true, out)
}

/** Acknowledges to the log what is durable with the member; a link to one who has left ends with their last entry. */
function advance(state: GroupState, link: Link, limits: GroupLimits, now: Millis, out: GroupEffect[]): void {
  let seq: Seq = 0
  while (link.entries[0]?.done) seq = link.entries.shift()?.seq ?? seq
  if (seq > 0) logged(state, { is: 'ack', session: link.ref, seq }, limits, now, out)
  const end = state.members.get(link.member)?.spans.at(-1)?.to
  if (typeof end !== 'number' || seq < end) return
  state.links.delete(link.ref)
  state.linked.delete(link.member)
  state.members.delete(link.member)
  state.log.devices = state.log.devices.filter(({ session }) => session !== link.ref)
  const saving: UserEffect[] = []
  save(state.log, saving)
  for (const effect of saving) heed(state, effect, limits, now, out)
  record(state, out)
}
