/** How long a lease is, and what follows from that. Each says what it is for. */
import type { Millis } from '../protocol/ids.ts'

export type Timings = {
  /** From when a renewal that came was sent. A Cassandra of three on a starved machine took 5 s to renew while a replica came back. */
  readonly leaseMs: Millis
  readonly renewMs: Millis
  /** Milliseconds for each try, the last one again and again: more at a time would only feed an overload. */
  readonly tryMs: readonly Millis[]
  /** Of a beat that does not change, until its life is marked dead: 1.3 leases, so that clocks may run 30 % apart. */
  readonly deadMs: Millis
  /** Each watcher waits for so much longer than the one before it: two that mark at once make outcomes unknown. */
  readonly rankMs: Millis
  /** A beat that is so old is no watcher's. */
  readonly staleMs: Millis
  /** Between reads. */
  readonly livesMs: Millis
  readonly membersMs: Millis
  readonly shardsMs: Millis
  /** Who marks a life dead gives what it had to whom it is planned for; if that does not happen by then, they take it. */
  readonly unownedMs: Millis
  /** After a change of members no shards move for balance: until all know of it, until the dead are back, until who left is back. */
  readonly settleMs: Millis
  readonly afterDeathMs: Millis
  readonly afterLeavingMs: Millis
  /** Shards that one node gives at a time. */
  readonly gives: number
  /** A lease that ran out so long ago, while a peer's is valid, says that only this node cannot reach Cassandra. */
  readonly awayMs: Millis
  readonly peerMs: Millis
  /** Who leaves gives its shards within that, or goes without. */
  readonly emptyMs: Millis
}

/** From a lease of 10 s, measured on a busy machine. */
export function timingsOf(leaseMs: Millis = 10_000): Timings {
  const tenth = leaseMs / 10
  return {
    leaseMs,
    renewMs: 3 * tenth,
    tryMs: [tenth, 2 * tenth, 4 * tenth],
    deadMs: 13 * tenth,
    rankMs: tenth,
    staleMs: 6 * tenth,
    livesMs: 1_000,
    membersMs: 2_000,
    shardsMs: 10_000,
    unownedMs: 5_000,
    settleMs: 3_000,
    afterDeathMs: 30_000,
    afterLeavingMs: 60_000,
    gives: 8,
    awayMs: leaseMs,
    peerMs: 3_000,
    emptyMs: 30_000,
  }
}
