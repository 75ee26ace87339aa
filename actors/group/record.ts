/** The group's record: name, members and their marks, saved a moment after they changed. What a crash forgets, the log and the members repeat. */

import type { GroupId, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { GroupRecord, InboxRecord } from '../../src/store/contract.ts'
import { startLog } from '../log/state.ts'
import { follow } from './members.ts'
import type { GroupState, GroupTimer, GroupTurn, Message } from './types.ts'

const recordMs = 2_000

/** The state of a group that starts: its log's record, its own, and the entries of the log that came after that. */
export function startGroup(
  id: GroupId,
  inbox: InboxRecord | undefined,
  record: GroupRecord | undefined,
  later: readonly Message[],
  epoch: number,
  /** That of a group that is to be made. */
  lifetime: Lifetime,
  life: string,
): GroupState {
  const log = startLog(id, inbox, epoch)
  // What the record has may vanish.
  log.settled = record?.seq ?? 0
  const members = (record?.members ?? []).map((member) => ({ ...member, announced: member.told }))
  const state: GroupState = {
    id,
    log,
    startTail: log.tail,
    exists: record !== undefined,
    name: record?.name ?? '',
    history: record?.history ?? 0,
    lifetime: record?.lifetime ?? lifetime,
    members: new Map(members.map((member) => [member.user, member])),
    invited: new Set(record?.invited),
    left: new Set(record?.left),
    links: new Map(),
    linked: new Map(),
    life,
    linkRefs: 0,
    changing: 0,
    held: [],
    dirty: false,
    recording: 0,
    unconfirmed: new Set(),
    confirming: new Map(),
    hushed: [],
    timers: new Set(),
    watchers: [],
  }
  for (const entry of later) entered(state, entry)
  log.readers = log.readers.filter(({ device }) => state.members.has(device as string as UserId))
  return state
}

/** An entry stands in the log: it changes the group, and its sender has sent it. */
export function entered(state: GroupState, entry: Message): void {
  follow(state, entry)
  const by = state.members.get(entry.from)
  if (by) by.sent = Math.max(by.sent, entry.seq)
}

export function record(state: GroupState, turn: GroupTurn): void {
  state.dirty = true
  if (state.recording === 0) after(state, 'record', recordMs, turn)
}

export function recordNow(state: GroupState, turn: GroupTurn): void {
  if (!state.dirty || state.recording > 0) return
  state.dirty = false
  state.recording = state.log.tail
  state.confirming = marksOf(state)
  state.unconfirmed = new Set()
  const members = [...state.members.values()].map(({ announced: _, ...member }) => member)
  const { name, history, lifetime } = state
  const [invited, left] = [[...state.invited], [...state.left]]
  turn.effects.push({ do: 'record', record: { seq: state.recording, name, history, lifetime, members, invited, left } })
}

/** The marks that the record has of those who wait for that: while it is written they may tell more, which it has not. */
function marksOf({ members, unconfirmed }: GroupState): GroupState['confirming'] {
  const marks: GroupState['confirming'] = new Map()
  for (const user of unconfirmed) {
    const member = members.get(user)
    if (member) marks.set(user, { delivered: member.delivered, read: member.read })
  }
  return marks
}

/** The record is durable, and with it the marks that members had told by then. */
export function recorded(state: GroupState, ok: boolean, turn: GroupTurn): void {
  if (ok) turn.said.push({ says: 'settle', upTo: state.recording })
  state.recording = 0
  for (const [user, marks] of state.confirming) {
    if (!ok) state.unconfirmed.add(user)
    else turn.effects.push({ do: 'tell', user, message: { is: 'receipted', peer: state.id, ...marks } })
  }
  state.confirming = new Map()
  if (!ok) state.dirty = true
  if (state.dirty) record(state, turn)
}

/** Asks for a timer of the group's own, unless it is set. */
export function after(state: GroupState, timer: Extract<GroupTimer, string>, ms: number, turn: GroupTurn): void {
  if (state.timers.has(timer)) return
  state.timers.add(timer)
  turn.effects.push({ do: 'after', ms, timer })
}
