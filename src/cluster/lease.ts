/**
 * A node's lease: a beat in its row that it raises every few seconds. While the lease is valid nobody may have marked the node dead.
 * Running out is not losing: who cannot renew is suspended, and goes on with the same shards when it can. Only `dead` loses.
 */
import type { Millis } from '../protocol/ids.ts'
import type { Times } from '../runtime/clock.ts'
import type { LifeRow } from '../store/contract.ts'
import type { Lease, MemberState, MemberTurn } from './types.ts'

export const newLease = (): Lease => ({
  confirmed: null,
  beat: 0,
  tries: new Map(),
  trying: null,
  failed: 0,
  nextAt: 0,
})

/**
 * What has passed since then, by the clock that says more: the monotonic one stops while a machine sleeps, and the time of day jumps
 * then. A step of the time of day can so only suspend, never extend.
 */
export const elapsed = (since: Times, at: Times): Millis => Math.max(at.monotonic - since.monotonic, at.now - since.now)

export const isValid = ({ lease }: MemberState, { at, timings }: Pick<MemberTurn, 'at' | 'timings'>): boolean =>
  lease.confirmed !== null && elapsed(lease.confirmed, at) < timings.leaseMs

/** Looks whether it is time to renew, or to give a try up. One is under way at a time. */
export function keepLease(state: MemberState, { at, timings, effects }: MemberTurn): void {
  const { lease } = state
  if (lease.trying && at.monotonic >= lease.trying.until) unrenewed(state, lease.trying.beat)
  if (lease.trying || at.monotonic < lease.nextAt) return
  const timeoutMs = timings.tryMs[Math.min(lease.failed, timings.tryMs.length - 1)] as Millis
  lease.beat += 1
  lease.trying = { beat: lease.beat, until: at.monotonic + timeoutMs }
  // From before it is sent: a pause between here and there makes the lease shorter.
  lease.tries.set(lease.beat, at)
  effects.push({ do: 'renew', beat: lease.beat, first: lease.confirmed === null, timeoutMs })
}

/** A row that is up confirms the try whose beat it has, whichever try was answered so. */
export function renewed(state: MemberState, beat: number, row: LifeRow | undefined, turn: MemberTurn): void {
  const { lease } = state
  if (row?.state !== 'up') return fence(state, turn)
  const sent = lease.tries.get(row.beat)
  if (sent) confirm(lease, row.beat, sent)
  if (lease.trying?.beat === beat) {
    lease.trying = null
    lease.failed = 0
    lease.nextAt = (sent ?? turn.at).monotonic + turn.timings.renewMs
  }
  turn.effects.push({ do: 'heed' })
}

/** The next try is due. */
export function unrenewed({ lease }: MemberState, beat: number): void {
  if (lease.trying?.beat !== beat) return
  lease.trying = null
  lease.failed += 1
  lease.nextAt = 0
}

function confirm(lease: Lease, beat: number, sent: Times): void {
  if (!lease.confirmed || sent.monotonic > lease.confirmed.monotonic) lease.confirmed = sent
  for (const tried of lease.tries.keys()) if (tried <= beat) lease.tries.delete(tried)
}

/** Somebody has marked this life dead: what it has is others', and nothing that it knows counts. */
function fence(state: MemberState, { effects }: MemberTurn): void {
  if (state.phase === 'fenced' || state.phase === 'left') return
  state.phase = 'fenced'
  state.spells.clear()
  effects.push({ do: 'fenced' })
}
