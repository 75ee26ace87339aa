/**
 * The fan-out: each member reads the group's log by a link, which hands the entries on to the member's inbox. An entry is
 * acknowledged to the log when it is durable there, so that a crash at any moment repeats what is not, and the inbox drops what it
 * has. A member whose inbox is full or busy waits alone; what is for it stays in the log.
 */
import type { Entry } from '../../src/protocol/entry.ts'
import type { DeviceId, Seq } from '../../src/protocol/ids.ts'
import { withValue } from '../../src/protocol/sealed.ts'
import { saveSoon } from '../log/cursors.ts'
import { addReader } from '../log/readers.ts'
import type { LogTurn } from '../log/types.ts'
import { isInvitation, maySee } from './members.ts'
import type { Fanned, GroupState, GroupTurn, Link, LinkRef, Member, Message } from './types.ts'

/** After a refusal copies to a member are tried again after this time. */
const retryMs = { busy: 500, inbox_full: 5_000 }

/** The links that are missing: to everyone who may be owed something. */
export function openLinks(state: GroupState, turn: GroupTurn): void {
  for (const member of state.members.values())
    if (!state.linked.has(member.user)) turn.said.push({ says: 'begin', link: open(state, member, turn) })
}

/** A new one starts with the first entry that its member may see. */
function open(state: GroupState, { user, spans }: Member, turn: LogTurn): Link {
  const device = user as string as DeviceId
  const known = state.log.readers.find((reader) => reader.device === device)
  state.linkRefs += 1
  const link: Link = {
    ref: state.linkRefs,
    origin: { is: 'link', ref: `${state.life} ${state.linkRefs}` },
    member: user,
    reader: known ?? addReader(state.log, device, (spans[0]?.from ?? 1) - 1, turn.now),
    round: 1,
    flying: 0,
    refused: 0,
    waits: false,
    broken: false,
    againTo: state.startTail,
    entries: [],
  }
  if (!known) saveSoon(state.log, turn)
  state.links.set(link.origin.ref, link)
  state.linked.set(user, link)
  return link
}

/** Entries of the log go on to the member, where they are for them. */
export function take(state: GroupState, link: Link, entries: readonly Entry[], turn: GroupTurn): void {
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
    if (!done && link.refused === 0) copy(state, link, entry, entry.seq <= link.againTo, turn)
  }
  advance(state, link, turn)
}

const invitation = ({ name }: GroupState, entry: Message): Message => ({
  ...entry,
  body: withValue(entry.body, name),
  change: 'invite',
})

function copy({ log }: GroupState, link: Link, entry: Message, again: boolean, turn: GroupTurn): void {
  link.flying += 1
  turn.effects.push({
    do: 'fan',
    link: link.origin,
    epoch: log.epoch,
    member: link.member,
    entry,
    step: { nth: entry.seq, round: link.round },
    again,
  })
}

/** Members' actors have answered copies. */
export function fanned(state: GroupState, copies: readonly Fanned[], turn: GroupTurn): void {
  const moved = new Set<Link>()
  for (const copy of copies) {
    const link = state.links.get(copy.link)
    if (!link || copy.step.round !== link.round) continue
    answered(link, copy, turn)
    moved.add(link)
  }
  for (const link of moved) advance(state, link, turn)
}

function answered(link: Link, { step, answer }: Fanned, turn: GroupTurn): void {
  link.flying -= 1
  const found = link.entries.find(({ seq }) => seq === step.nth)
  // A copy that can never be taken (it crashed the actor twice) must not hold up all that follow.
  const done = answer.is === 'accepted' || answer.code === 'failed'
  if (found && done) found.done = true
  else if (link.refused === 0 || step.nth < link.refused) link.refused = step.nth
  if (link.flying === 0 && link.refused > 0)
    wait(link, answer.is === 'refused' && answer.code === 'inbox_full' ? retryMs.inbox_full : retryMs.busy, turn)
}

/** The page could not be read, or entries have expired: the link starts again from what is durable. */
export function broken(link: Link, turn: GroupTurn): void {
  link.broken = true
  wait(link, retryMs.busy, turn)
}

function wait(link: Link, ms: number, turn: GroupTurn): void {
  if (link.waits) return
  link.waits = true
  turn.effects.push({ do: 'after', ms, timer: { link: link.origin.ref } })
}

/** A link goes on after a refusal, from the first copy that was refused; or after the log has closed it. */
export function retry(state: GroupState, ref: LinkRef, turn: GroupTurn): void {
  const link = state.links.get(ref)
  if (!link) return
  link.waits = false
  link.round += 1
  link.refused = 0
  if (link.broken) {
    Object.assign(link, { broken: false, flying: 0, againTo: state.log.tail })
    link.entries.length = 0
    return void turn.said.push({ says: 'begin', link })
  }
  for (const { entry, done } of link.entries) if (entry && !done) copy(state, link, entry, true, turn)
}

/** Acknowledges to the log what is durable with the member; a link to one who has left ends with their last entry. */
function advance(state: GroupState, link: Link, turn: GroupTurn): void {
  let seq: Seq = 0
  while (link.entries[0]?.done) seq = link.entries.shift()?.seq ?? seq
  if (seq > 0) turn.said.push({ says: 'ack', link, seq })
  const end = state.members.get(link.member)?.spans.at(-1)?.to
  if (typeof end === 'number' && seq >= end) turn.said.push({ says: 'end', link })
}

/** A link ends, and its member is forgotten. */
export function end(state: GroupState, link: Link): void {
  state.links.delete(link.origin.ref)
  state.linked.delete(link.member)
  state.members.delete(link.member)
}
