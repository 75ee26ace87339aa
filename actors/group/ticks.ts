/** Ticks of a group's messages: delivered when every member but the sender has it, read when every one has read it. */
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import { isMember, membersNow } from './members.ts'
import { after, record } from './record.ts'
import type { GroupMessage, GroupState, GroupTurn, KnownGroup, Member } from './types.ts'

/** Marks that come within this time are counted together: the first of many members' says nothing yet. */
const countMs = 50
/** Ticks that are not durable with their sender within this time are told again. */
const retellMs = 15_000

/** A member has acknowledged and read more of the group. */
export function marked(
  state: GroupState,
  { from, delivered, read, hides }: Extract<GroupMessage, { is: 'receipt' }>,
  turn: GroupTurn,
): void {
  const member = state.members.get(from)
  // Who is no member any more must not repeat it for ever; what the record has need not be written again.
  if (!member || isRecorded(state, member, delivered, read))
    return void turn.effects.push({
      do: 'tell',
      user: from,
      message: { is: 'receipted', peer: state.id, delivered, read },
    })
  member.read = Math.max(member.read, Math.min(read, state.log.tail))
  member.delivered = Math.max(member.delivered, Math.min(delivered, state.log.tail), member.read)
  const hidden = hides?.filter((user) => state.members.has(user)) ?? []
  if (hidden.length > 0) member.hides = hidden
  else delete member.hides
  // Only those from whom nobody of them hides may see that something came.
  state.hushed = state.timers.has('ticks') ? state.hushed.filter((user) => hidden.includes(user)) : hidden
  state.unconfirmed.add(from)
  record(state, turn)
  after(state, 'ticks', countMs, turn)
}

const isRecorded = ({ unconfirmed, confirming }: GroupState, member: Member, delivered: Seq, read: Seq): boolean =>
  member.delivered >= delivered && member.read >= read && !unconfirmed.has(member.user) && !confirming.has(member.user)

/** Tells senders what has become delivered and read with all the others. `again`: they may have been told before. */
export function count(state: GroupState, again: boolean, turn: GroupTurn): void {
  const members = membersNow(state)
  const delivered = lowestToldTo(members, 'delivered')
  const read = lowestToldTo(members, 'read')
  const { hushed } = state
  state.hushed = []
  let open = false
  for (const member of members) {
    if (hushed.includes(member.user)) continue
    const told = {
      delivered: Math.min(member.sent, delivered(member.user)),
      read: Math.min(member.sent, read(member.user)),
    }
    const { announced } = member
    if (told.delivered > announced.delivered || told.read > announced.read) {
      member.announced = {
        delivered: Math.max(told.delivered, announced.delivered),
        read: Math.max(told.read, announced.read),
      }
      turn.effects.push({
        do: 'tell',
        user: member.user,
        message: { is: 'receipt', from: state.id, epoch: state.log.epoch, ...member.announced, again },
      })
    }
    open ||= !confirmed(member)
  }
  if (open) after(state, 'retell', retellMs, turn)
}

const confirmed = ({ announced, told }: Member): boolean =>
  announced.delivered <= told.delivered && announced.read <= told.read

/** The lowest mark of those other members who let a given one know. */
function lowestToldTo(members: readonly Member[], mark: 'delivered' | 'read'): (user: UserId) => Seq {
  const hidden = new Set(members.flatMap(({ hides }) => hides ?? []))
  const ofAll = lowest(members, mark)
  const open = (user: UserId) => members.filter((member) => !hidesFrom(member, user))
  return (user) => (hidden.has(user) ? lowest(open(user), mark)(user) : ofAll(user))
}

const hidesFrom = ({ hides }: Member, user: UserId): boolean => hides?.includes(user) ?? false

/** The lowest mark of the members other than a given one; nothing is with everybody where there is nobody else. */
function lowest(members: readonly Member[], mark: 'delivered' | 'read'): (other: UserId) => Seq {
  let [first, second]: (Member | undefined)[] = []
  for (const member of members) {
    if (!first || member[mark] < first[mark]) [first, second] = [member, first]
    else if (!second || member[mark] < second[mark]) second = member
  }
  return (other) => (first?.user === other ? second : first)?.[mark] ?? 0
}

/** Ticks are durable in their sender's inbox. */
export function confirmedBy(
  state: GroupState,
  { peer, delivered, read }: Extract<GroupMessage, { is: 'receipted' }>,
  turn: GroupTurn,
): void {
  const member = state.members.get(peer)
  if (!member) return
  const { told } = member
  member.told = { delivered: Math.max(told.delivered, delivered), read: Math.max(told.read, read) }
  record(state, turn)
}

export function retell(state: GroupState, turn: GroupTurn): void {
  for (const member of state.members.values()) if (!confirmed(member)) member.announced = member.told
  count(state, true, turn)
}

/** Who has a message, and who has read it. */
export function ticks(
  state: GroupState,
  { session, by, at }: Extract<GroupMessage, { is: 'ticks' }>,
  turn: GroupTurn,
): void {
  if (!isMember(state.members.get(by))) return refuse(state, session, 'ticks', turn)
  const others = membersNow(state).filter((member) => member.user !== by && !hidesFrom(member, by))
  const having = (mark: 'delivered' | 'read') => others.filter((member) => member[mark] >= at).map(({ user }) => user)
  turn.effects.push({ do: 'ticks', session, at, delivered: having('delivered'), read: having('read') })
}

export function roster(
  state: GroupState,
  { session, by }: Extract<GroupMessage, { is: 'members' }>,
  turn: GroupTurn,
): void {
  if (!isMember(state.members.get(by))) return refuse(state, session, 'members', turn)
  turn.effects.push({ do: 'members', session, ...knownGroup(state) })
}

/** A group as it is now. */
export function knownGroup(state: GroupState): KnownGroup {
  const members = membersNow(state)
  const { name, history, lifetime } = state
  const admins = members.filter(({ admin }) => admin)
  return { name, history, lifetime, admins: admins.map(({ user }) => user), members: members.map(({ user }) => user) }
}

function refuse(state: GroupState, session: number, kind: 'members' | 'ticks', turn: GroupTurn): void {
  turn.effects.push({ do: 'refuse', session, kind, code: state.exists ? 'not_a_member' : 'unknown_group' })
}
