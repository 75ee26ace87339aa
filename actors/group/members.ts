/** Who is in a group and who may do what. Membership follows the group's log: every actor that reads it comes to the same. */
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Deliver } from '../user/types.ts'
import type { GroupState, Member, Message } from './types.ts'

/** A member now. */
export const isMember = (member: Member | undefined): member is Member => member?.spans.at(-1)?.to === null

export const membersNow = (state: GroupState): Member[] => [...state.members.values()].filter(isMember)

/** Why a message or a change is refused; undefined: it is allowed. */
export function refusal(state: GroupState, { from, body, change }: Deliver, max: number): ErrorCode | undefined {
  if (change === 'create') return state.exists ? 'no_change' : undefined
  if (!state.exists) return 'unknown_group'
  const by = state.members.get(from)
  if (!isMember(by)) return 'not_a_member'
  if (change === undefined || change === 'leave') return undefined
  if (!by.admin) return 'not_an_admin'
  return change === 'add' ? refusesAll(state, String(body), max) : changesNothing(state, change, String(body))
}

/** Those named, one in each line, who are no members yet. */
const newcomers = ({ members }: GroupState, names: string): UserId[] =>
  [...new Set(names.split('\n') as UserId[])].filter((user) => !isMember(members.get(user)))

function refusesAll(state: GroupState, names: string, max: number): ErrorCode | undefined {
  const { length } = newcomers(state, names)
  if (length === 0) return 'no_change'
  return membersNow(state).length + length > max ? 'too_many_members' : undefined
}

function changesNothing(state: GroupState, change: string, value: string): ErrorCode | undefined {
  const member = state.members.get(value as UserId)
  switch (change) {
    case 'remove':
      return isMember(member) ? undefined : 'no_change'
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
  const value = String(body)
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
    case 'add':
      for (const user of newcomers(state, value)) join(state, user, seq, Math.max(1, seq - state.history))
      return
    case 'remove':
      return part(state, member, seq)
    case 'leave':
      return part(state, state.members.get(from), seq)
    case 'promote':
    case 'demote':
      if (member) member.admin = change === 'promote'
      return heir(state)
  }
}

/** `from`: the first entry that the new member sees. */
function join(state: GroupState, user: UserId, seq: Seq, from: Seq): Member {
  const known = state.members.get(user)
  const none = { delivered: 0, read: 0 }
  const member: Member = known ?? {
    user,
    admin: false,
    spans: [],
    delivered: 0,
    read: 0,
    sent: 0,
    told: none,
    announced: none,
  }
  member.admin = false
  member.spans = [...member.spans, { from: Math.max(from, (member.spans.at(-1)?.to ?? 0) + 1), to: null }]
  // What came before does not wait for them.
  member.delivered = Math.max(member.delivered, seq - 1)
  member.read = Math.max(member.read, seq - 1)
  state.members.set(user, member)
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
