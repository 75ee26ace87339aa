/** A node that is in a cluster, at work: its machine with a store and a clock. What it wants besides of its host, the host does. */
import { never } from '../protocol/never.ts'
import type { Clock, Times } from '../runtime/clock.ts'
import type { ClusterStore, MemberRow } from '../store/contract.ts'
import { Gate, passage } from './gate.ts'
import { isValid } from './lease.ts'
import { newMember, receive } from './member.ts'
import { type Timings, timingsOf } from './timings.ts'
import type { Former, HostWish, MemberEffect, MemberMessage, MemberState, StoreWish } from './types.ts'

const tickMs = 250

export type RunningMember = {
  readonly state: MemberState
  readonly gate: Gate
  /** Whether its lease holds now. */
  valid(): boolean
  tell(message: MemberMessage): void
  /** Nothing is asked or heeded any more, as if the process had ended. */
  stop(): void
}

export type MemberOptions = {
  readonly store: ClusterStore
  readonly clock: Clock
  readonly me: MemberRow
  readonly former: Former
  readonly leaseMs?: number
  /** Called in the order of the wishes, and never from within itself. */
  readonly host: (wish: HostWish, member: RunningMember) => void
}

/** `store` has its shards. */
export function startMember({ store, clock, me, former, leaseMs, host }: MemberOptions): RunningMember {
  const timings = timingsOf(leaseMs)
  const state = newMember(me, former)
  const at = (): Times => ({ now: clock.now(), monotonic: clock.monotonic() })
  const gate = new Gate((shard, term) => passage(state, shard, term, at(), timings.leaseMs))
  const box: MemberMessage[] = []
  let over = false

  const tell = (message: MemberMessage): void => {
    box.push(message)
    if (box.length > 1) return
    // One at a time: what a wish brings at once comes after the other wishes.
    for (let next = box[0]; next && !over; next = box[0])
      try {
        for (const effect of turn(state, next, at(), timings)) perform(effect)
      } finally {
        box.shift()
      }
  }
  const perform = (effect: MemberEffect): void => {
    if (isStoreWish(effect)) return void ask(store, me.life, effect).then((answer) => over || tell(answer))
    if (effect.do === 'heed' || effect.do === 'drop' || effect.do === 'fenced') gate.open()
    if (effect.do !== 'heed') host(effect, member)
  }
  const stopTicks = clock.every(tickMs, () => tell({ is: 'tick' }))
  const stop = () => {
    over = true
    stopTicks()
    gate.hurry()
  }
  const valid = () => isValid(state, { at: at(), timings })
  const member: RunningMember = { state, gate, valid, tell, stop }
  tell({ is: 'tick' })
  return member
}

function turn(state: MemberState, message: MemberMessage, at: Times, timings: Timings): readonly MemberEffect[] {
  const effects: MemberEffect[] = []
  receive(state, message, { at, timings, effects })
  return effects
}

const wishes = new Set<MemberEffect['do']>(['renew', 'lives', 'mark', 'members', 'change', 'shards', 'move'])
const isStoreWish = (effect: MemberEffect): effect is StoreWish => wishes.has(effect.do)

async function ask(store: ClusterStore, life: number, wish: StoreWish): Promise<MemberMessage> {
  try {
    return await answer(store, life, wish)
  } catch {
    return { is: 'unknown', wish }
  }
}

async function answer(store: ClusterStore, me: number, wish: StoreWish): Promise<MemberMessage> {
  switch (wish.do) {
    case 'renew': {
      const { beat, first, timeoutMs } = wish
      return { is: 'renewed', beat, row: await store.renew(me, beat, first, timeoutMs) }
    }
    case 'lives':
      return { is: 'lives', asked: wish.lives, rows: await store.lives(wish.lives) }
    case 'mark':
      return { is: 'marked', life: wish.life, row: await store.mark(wish.life, wish.beat) }
    case 'members':
      return { is: 'members', members: await store.members() }
    case 'change': {
      const { view, join, leave } = wish.change
      return { is: 'changed', change: wish.change, ok: await store.change(view, join, leave) }
    }
    case 'shards':
      return { is: 'shards', rows: await store.shards() }
    case 'move':
      return { is: 'moved', part: wish.part, rows: await store.move(wish.moves) }
    default:
      return never(wish)
  }
}
