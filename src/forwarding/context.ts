/** What the forwarding of a node is given. */
import type { Accepted } from '../../actors/log/types.ts'
import type { Links } from '../cluster/link/links.ts'
import type { MemberState } from '../cluster/types.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { Asks, Clock, Durations, Router } from '../runtime/index.ts'
import type { Wheel } from '../runtime/wheel.ts'
import type { ShardRow, Still } from '../store/contract.ts'
import type { Proxies } from './proxies.ts'

export type ForwardingContext = {
  readonly clock: Clock
  readonly wheel: Wheel
  /** Of the actors that are here. */
  readonly local: Router<Accepted>
  readonly asks: Asks<Accepted>
  readonly shards: number
  readonly state: () => MemberState
  readonly links: () => Pick<Links, 'to'>
  readonly sessions: () => Sessions
  readonly proxies: Proxies
  /** Whether what an actor here has said counts; rejects where another node has the actor by now. */
  readonly still: Still
  /** For how long each shard that was given away was still here: from when what came for it was held until that went on to its next owner. */
  readonly stills: Durations
  /** Rows that another node tells. */
  readonly learn: (rows: readonly ShardRow[]) => void
}
