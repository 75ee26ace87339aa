/**
 * Before a node joins, it meets those who are in: one with another secret, or whom nobody reaches, would get its part of the shards, and
 * what is for their users would go nowhere. Of members that have ended their rows may still be there: those hold nobody up.
 */
import type { Links } from '../cluster/link/links.ts'
import type { Met } from '../cluster/link/meeting.ts'
import { timingsOf } from '../cluster/timings.ts'
import type { Millis } from '../protocol/ids.ts'
import type { Clock } from '../runtime/index.ts'
import type { ClusterStore, MemberRow } from '../store/contract.ts'
import { stranger, unreachable } from './words.ts'

const lookMs = 500

type Context = {
  readonly store: ClusterStore
  readonly links: Pick<Links, 'meet'>
  readonly clock: Clock
  readonly name: string
  readonly leaseMs: Millis | undefined
}

type Meeting = { readonly row: MemberRow; readonly met: Met }

/** Resolves where one of them knows this node for one of theirs, or none of them runs. Rejects with why it must not join. */
export async function meetMembers(context: Context): Promise<void> {
  const { store, links, name } = context
  const rows = (await store.members()).rows.filter((row) => row.state === 'up' && row.name !== name)
  const meetings = await Promise.all(rows.map(async (row): Promise<Meeting> => ({ row, met: await links.meet(row) })))
  for (const { row, met } of meetings) if (met.is === 'refused') throw stranger(row, met.why)
  if (meetings.length === 0 || meetings.some(({ met }) => met.is === 'met')) return
  const alive = await whoRuns(context, rows)
  const { met } = meetings.find(({ row }) => row === alive) ?? {}
  if (alive && met?.is === 'away') throw unreachable(alive, met.why)
}

/** One whose beat changes within two renewals; undefined: none. */
async function whoRuns({ store, clock, leaseMs }: Context, rows: readonly MemberRow[]): Promise<MemberRow | undefined> {
  const lives = rows.map(({ life }) => life)
  const before = await store.lives(lives)
  const end = clock.monotonic() + 2 * timingsOf(leaseMs).renewMs
  while (clock.monotonic() < end) {
    await new Promise<void>((resolve) => clock.after(lookMs, resolve))
    const now = await store.lives(lives)
    const alive = rows.find(({ life }) => (now.get(life)?.beat ?? 0) > (before.get(life)?.beat ?? 0))
    if (alive) return alive
  }
  return undefined
}
