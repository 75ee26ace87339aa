/**
 * One node of a cluster: is it in, may it heed what the store answers, whose are the shards? A machine without a clock, a store or a
 * socket: it is told what came and when, and says what it wants. There is no coordinator. All know the same list of members and come to the same
 * plan; each gives what is not planned for it and takes what is and has no living owner; compare-and-set makes a wrong view harmless.
 *
 *     const node = newMember(me, null)
 *     receive(node, { is: 'tick' }, turn)
 *     // turn.effects: [{ do: 'renew', beat: 1, first: true, … }, { do: 'members' }, { do: 'shards' }]
 */
import { never } from '../protocol/never.ts'
import type { MemberRow } from '../store/contract.ts'
import { give, outdone, yielded, yieldShards } from './giving.ts'
import { elapsed, isValid, keepLease, newLease, renewed, unrenewed } from './lease.ts'
import { closed, keepLeaving, leave } from './leaving.ts'
import { changed, keepMembers, listed, unchanged } from './membership.ts'
import { claim, learn, moved, readShards } from './owning.ts'
import type { Former, MemberMessage, MemberState, MemberTurn, Standing, StoreWish } from './types.ts'
import { marked, seen, unseen, watch } from './watching.ts'

/** A node before it has joined. `me.state` is that of a member: up. */
export const newMember = (me: MemberRow, former: Former): MemberState => ({
  me,
  former,
  phase: 'joining',
  standing: 'joining',
  lease: newLease(),
  watched: new Map(),
  dead: new Map(),
  view: -1,
  members: new Map(),
  ring: [],
  plan: [],
  quietUntil: 0,
  doubts: { seen: 0, asked: 0, read: 0 },
  shards: new Map(),
  spells: new Map(),
  shut: new Map(),
  asked: new Set(),
  due: { lives: 0, members: 0, shards: 0 },
  peerAt: Number.NEGATIVE_INFINITY,
  toldAway: false,
  leavingSince: 0,
  emptied: false,
})

/** What is true of a node that ends stays so. */
const isOver = ({ phase }: MemberState): boolean => phase === 'fenced' || phase === 'refused'

export function receive(state: MemberState, message: MemberMessage, turn: MemberTurn): void {
  if (isOver(state)) return
  told(state, message, turn)
  if (!isOver(state)) act(state, message, turn)
  stand(state, turn)
}

function told(state: MemberState, message: MemberMessage, turn: MemberTurn): void {
  switch (message.is) {
    case 'tick':
      return
    case 'unknown':
      return unknown(state, message.wish)
    case 'renewed':
      return renewed(state, message.beat, message.row, turn)
    case 'lives':
      return seen(state, message.asked, message.rows, turn)
    case 'marked':
      return marked(state, message.life, message.row, turn)
    case 'members':
      return listed(state, message.members, turn)
    case 'changed':
      return changed(state, message.change, message.ok, turn)
    case 'shards':
      state.asked.delete('shards')
      return learn(state, message.rows, turn)
    case 'moved':
      return moved(state, message.part, message.rows, turn)
    case 'heard':
      return learn(state, message.rows, turn)
    case 'beat':
      if (message.valid) state.peerAt = turn.at.monotonic
      return
    case 'silent':
      state.due.lives = turn.at.monotonic
      return
    case 'yielded':
      return yielded(state, message.gone)
    case 'outdone':
      return outdone(state, message.shard, message.term)
    case 'leave':
      return leave(state, turn)
    case 'closed':
      return closed(state)
    default:
      return never(message)
  }
}

function unknown(state: MemberState, wish: StoreWish): void {
  switch (wish.do) {
    case 'renew':
      return unrenewed(state, wish.beat)
    case 'lives':
      return unseen(state, wish.lives)
    case 'mark':
      return void state.asked.delete(`mark ${wish.life}`)
    case 'change':
      return unchanged(state)
    case 'move':
      return void state.asked.delete(`move ${wish.part}`)
    case 'members':
    case 'shards':
      return void state.asked.delete(wish.do)
    default:
      return never(wish)
  }
}

/** These come all the time, and mean nothing for the shards before the next tick: to look at 65,536 of them takes 1 ms. */
const often: ReadonlySet<MemberMessage['is']> = new Set(['renewed', 'lives', 'members', 'beat'])

/** What is to be done follows from what is known, whatever came last. So what failed, or was lost, is wanted again by itself: at the next tick. */
function act(state: MemberState, message: MemberMessage, turn: MemberTurn): void {
  if (message.is === 'unknown') return
  keepLease(state, turn)
  watch(state, turn)
  keepMembers(state, turn)
  readShards(state, turn)
  if (!often.has(message.is)) moveShards(state, turn)
  keepLeaving(state, turn)
  lookAway(state, turn)
}

function moveShards(state: MemberState, turn: MemberTurn): void {
  if (state.phase === 'up' && isValid(state, turn)) claim(state, turn)
  yieldShards(state, turn)
  give(state, turn)
}

/** A node that cannot renew while a peer can is cut off; where none can, it is Cassandra that is away, and nobody should go. */
function lookAway(state: MemberState, { at, timings, effects }: MemberTurn): void {
  const { confirmed } = state.lease
  const outMs = confirmed ? elapsed(confirmed, at) - timings.leaseMs : 0
  if (outMs < 0) state.toldAway = false
  if (state.toldAway || outMs < timings.awayMs || at.monotonic - state.peerAt > timings.peerMs) return
  state.toldAway = true
  effects.push({ do: 'away' })
}

function stand(state: MemberState, turn: MemberTurn): void {
  const standing: Standing = state.phase === 'up' && !isValid(state, turn) ? 'suspended' : state.phase
  if (standing === state.standing) return
  state.standing = standing
  turn.effects.push({ do: 'become', standing })
}
