/** Who is in a group and who may do what. Membership follows the group's log: every actor that reads it comes to the same. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import { valueIn } from '../../src/protocol/sealed.ts'
import type { Deliver } from '../log/types.ts'
import { addedBy } from './addition.ts'
import type { GroupState, Member, Message } from './types.ts'

/** Users who have left a group that it remembers. */
const remembered = 4_096

/** A member now. */
export const isMember = (member: Member | undefined): member is Member => member?.spans.at(-1)?.to === null

export const membersNow = (state: GroupState): Member[] => [...state.members.values()].filter(isMember)

/** Why a message or a change is refused; undefined: it is allowed. */
export function refusal(state: GroupState, { from, body, change }: Deliver, max: number): ErrorCode | undefined {
  if (change === 'create') return state.exists ? 'no_change' : undefined
  if (!state.exists) return 'unknown_group'
  const by = state.members.get(from)
  if (change === 'join') return isMember(by) ? 'no_change' : state.invited.has(from) ? undefined : 'not_a_member'
  if (!isMember(by)) return 'not_a_member'
  if (change === undefined || change === 'leave') return undefined
  if (!by.admin) return 'not_an_admin'
  const value = String(valueIn(body))
  return change === 'add' ? refusesAll(state, value, max) : changesNothing(state, change, value)
}

/** Those named, one in each line, who are neither members nor invited yet. */
export const newcomers = ({ members, invited }: GroupState, names: string): UserId[] =>
  [...new Set(names.split('\n') as UserId[])].filter((user) => !isMember(members.get(user)) && !invited.has(user))

function refusesAll(state: GroupState, names: string, max: number): ErrorCode | undefined {
  const { length } = newcomers(state, names)
  if (length === 0) return 'no_change'
  return membersNow(state).length + state.invited.size + length > max ? 'too_many_members' : undefined
}

/** Who was in the group and has left is asked first; where there are too many to remember, everybody is. */
export const leftBefore = ({ left }: GroupState, user: UserId): boolean => left.has(user) || left.size >= remembered

function changesNothing(state: GroupState, change: string, value: string): ErrorCode | undefined {
  const member = state.members.get(value as UserId)
  switch (change) {
    case 'remove':
      return isMember(member) || state.invited.has(value as UserId) ? undefined : 'no_change'
    case 'promote':
    case 'demote':
      if (!isMember(member)) return 'not_a_member'
      return member.admin === (change === 'promote') ? 'no_change' : undefined
    case 'lifetime':
      return state.lifetime === value ? 'no_change' : undefined
    default:
      return undefined
  }
}

/** Follows an entry of the group's log. */
export function follow(state: GroupState, { seq, from, body, change }: Message): void {
  // Of a message, which changes nothing, this would be all that is sealed in it.
  const value = change ? String(valueIn(body)) : ''
  const member = state.members.get(value as UserId)
  switch (change) {
    case 'create':
      state.exists = true
      state.name = value
      join(state, from, seq, seq).admin = true
      return
    case 'rename':
      state.name = value
      return
    case 'history':
      state.history = Number(value)
      return
    case 'lifetime':
      state.lifetime = value as Lifetime
      return
    case 'add': {
      const { added, invited } = addedBy(value)
      for (const user of added) if (!isMember(state.members.get(user))) join(state, user, seq, firstSeen(state, seq))
      for (const user of invited) invite(state, user, seq)
      return
    }
    case 'join':
      join(state, from, seq, firstSeen(state, seq))
      return
    case 'remove':
      // An invitation is taken back.
      if (state.invited.delete(value as UserId)) return
      return part(state, member, seq)
    case 'leave':
      if (state.left.size < remembered) state.left.add(from)
      return part(state, state.members.get(from), seq)
    case 'promote':
    case 'demote':
      if (member) member.admin = change === 'promote'
      return heir(state)
  }
}

/** The first entry that who becomes a member at `seq` sees. */
const firstSeen = ({ history }: GroupState, seq: Seq): Seq => Math.max(1, seq - history)

function memberOf(state: GroupState, user: UserId): Member {
  const none = { delivered: 0, read: 0 }
  const marks = { delivered: 0, read: 0, sent: 0, told: none, announced: none }
  const member = state.members.get(user) ?? { user, admin: false, spans: [], ...marks }
  state.members.set(user, member)
  return member
}

/** Sees the entry that says so, as an invitation, and nothing after it. */
function invite(state: GroupState, user: UserId, seq: Seq): void {
  state.invited.add(user)
  const member = memberOf(state, user)
  member.spans = [...member.spans, { from: seq, to: seq }]
}

/** Whether an entry is for this one an invitation: who has only that span of one entry is none yet. */
export const isInvitation = ({ spans }: Member, { seq, change }: Message): boolean =>
  change === 'add' && spans.some(({ from, to }) => from === seq && to === seq)

/** `from`: the first entry that the new member sees. */
function join(state: GroupState, user: UserId, seq: Seq, from: Seq): Member {
  state.invited.delete(user)
  state.left.delete(user)
  const member = memberOf(state, user)
  member.admin = false
  member.spans = [...member.spans, { from: Math.max(from, (member.spans.at(-1)?.to ?? 0) + 1), to: null }]
  // What came before does not wait for them.
  member.delivered = Math.max(member.delivered, seq - 1)
  member.read = Math.max(member.read, seq - 1)
  return member
}

/** Sees the entry that says so, and nothing after it. */
function part(state: GroupState, member: Member | undefined, seq: Seq): void {
  const last = member?.spans.at(-1)
  if (!member || last?.to !== null) return
  member.admin = false
  member.spans = [...member.spans.slice(0, -1), { from: last.from, to: seq }]
  heir(state)
}

/** Without an admin the member who has been in the group for longest becomes one. */
function heir(state: GroupState): void {
  const members = membersNow(state)
  if (members.length === 0 || members.some(({ admin }) => admin)) return
  const since = (member: Member): Seq => member.spans.at(-1)?.from ?? 0
  members.reduce((eldest, member) => (since(member) < since(eldest) ? member : eldest)).admin = true
}

export const maySee = ({ spans }: Member, seq: Seq): boolean =>
  spans.some(({ from, to }) => from <= seq && (to === null || seq <= to))
