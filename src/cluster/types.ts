/** What a node is told of the cluster, what it wants done, and what it knows. */
import type { Millis } from '../protocol/ids.ts'
import type { Times } from '../runtime/clock.ts'
import type { LifeRow, MemberRow, Members, ShardMove, ShardRow } from '../store/contract.ts'
import type { Timings } from './timings.ts'

/** What a node is told. Each wish of the store is answered once: by its result, or by `unknown`. */
export type MemberMessage =
  | { readonly is: 'tick' } // four times a second
  | { readonly is: 'unknown'; readonly wish: StoreWish } // the answer did not come, or said nothing: what was asked for may have happened, or still happen
  | { readonly is: 'renewed'; readonly beat: number; readonly row: LifeRow | undefined }
  | { readonly is: 'lives'; readonly asked: readonly number[]; readonly rows: ReadonlyMap<number, LifeRow> }
  | { readonly is: 'marked'; readonly life: number; readonly row: LifeRow | undefined }
  | { readonly is: 'members'; readonly members: Members }
  | { readonly is: 'changed'; readonly change: Change; readonly ok: boolean }
  | { readonly is: 'shards'; readonly rows: readonly ShardRow[] }
  | { readonly is: 'moved'; readonly part: number; readonly rows: readonly ShardRow[] }
  | { readonly is: 'heard'; readonly rows: readonly ShardRow[] } // what a peer, or a message that went to the wrong node, says of shards
  | { readonly is: 'beat'; readonly valid: boolean } // a peer is there, and says whether its lease is valid
  | { readonly is: 'silent' } // a peer is not heard of: a reason to look, and no more
  | { readonly is: 'yielded'; readonly gone: readonly Gone[] } // their actors have gone, all that they wrote is durable
  | { readonly is: 'outdone'; readonly shard: number; readonly term: number } // something was written under that term, which is not below the own
  | { readonly is: 'leave' } // the node is to end
  | { readonly is: 'closed' } // its sessions have gone

/** A spell whose actors have gone. */
export type Gone = { readonly shard: number; readonly term: number }

export type Change = { readonly view: number; readonly join: MemberRow | null; readonly leave: readonly number[] }

/** What a node asks of the store. */
export type StoreWish =
  | { readonly do: 'renew'; readonly beat: number; readonly first: boolean; readonly timeoutMs: Millis }
  | { readonly do: 'lives'; readonly lives: readonly number[] }
  | { readonly do: 'mark'; readonly life: number; readonly beat: number | null }
  | { readonly do: 'members' }
  | { readonly do: 'change'; readonly change: Change }
  | { readonly do: 'shards' }
  | { readonly do: 'move'; readonly part: number; readonly moves: readonly ShardMove[] }

/** What it wants of its host. */
export type HostWish =
  | { readonly do: 'take'; readonly shard: number; readonly term: number } // its actors may start, under this term
  | { readonly do: 'yield'; readonly shard: number; readonly term: number } // hold new mail, land what is under way, let its actors go; then say `yielded`
  | { readonly do: 'drop'; readonly shard: number; readonly term: number } // it is another's, or has another term: its actors go as by a crash, and what waits for them goes to the owner
  | { readonly do: 'tell'; readonly rows: readonly ShardRow[] } // to all peers
  | { readonly do: 'learned'; readonly shard: number } // it is another's than was known, or has another term
  | { readonly do: 'heed' } // the lease was renewed: what the gate holds may pass
  | { readonly do: 'become'; readonly standing: Standing }
  | { readonly do: 'refused'; readonly why: Refusal; readonly by: MemberRow } // it cannot be a member: end the process and say so
  | { readonly do: 'away' } // Cassandra cannot be reached from here, though others can: sessions come better by another node
  | { readonly do: 'emptied' } // no shards are left to give: close the sessions; then say `closed`
  | { readonly do: 'fenced' } // marked dead: drop all, close the sessions, end the process
  | { readonly do: 'left' } // as planned: end the process

export type MemberEffect = StoreWish | HostWish

/** `suspended`: its lease has run out, and nothing else is known; it goes on when the lease is renewed. */
export type Standing = 'joining' | 'up' | 'suspended' | 'leaving' | 'left' | 'refused' | 'fenced'
type Refusal = 'name' | 'datacenter'

/** What is known of a former node of the own name: that the process of that life has ended, that somebody says so, or nothing. */
export type Former = { readonly ended: number } | 'said' | null

export type MemberTurn = { readonly at: Times; readonly timings: Timings; readonly effects: MemberEffect[] }

/** A lease: how long a node may heed what the store answers. */
export type Lease = {
  /** When the last try that is known to have come was sent. */
  confirmed: Times | null
  beat: number
  /** Tries whose outcome is not known, by beat. */
  readonly tries: Map<number, Times>
  /** The one under way, and when it is given up. */
  trying: { readonly beat: number; readonly until: Millis } | null
  /** Failed ones in a row. */
  failed: number
  nextAt: Millis
}

/** What a node has seen of another's beat, on its own clock. */
type Sight = { readonly beat: number; readonly since: Millis; changes: number }

/** A shard that is this node's, under one term. `yielding`: its actors go. `giving`: they have gone, and nothing of this term counts any more. */
export type Spell = {
  readonly term: number
  phase: 'owned' | 'yielding' | 'giving'
  /** Rows of this term were found: it goes to this node itself. */
  readonly outdoneBy?: number
}

/** What a node knows of its cluster. */
export type MemberState = {
  readonly me: MemberRow
  readonly former: Former
  phase: 'joining' | 'up' | 'leaving' | 'left' | 'refused' | 'fenced'
  /** As told last. */
  standing: Standing
  readonly lease: Lease
  readonly watched: Map<number, Sight>
  /** Lives that are dead for ever, and since when that is known here; `mine`: this node has marked them, and gives what they had. */
  readonly dead: Map<number, { readonly since: Millis; readonly mine: boolean }>
  view: number
  readonly members: Map<number, MemberRow>
  /** The same by name. */
  ring: readonly MemberRow[]
  /** For each shard the life that should have it; empty while nobody is up. */
  plan: readonly number[]
  /** No shards move for balance until then. */
  quietUntil: Millis
  /**
   * How often a shard went to whom it is not planned for here: whoever gave it knows of members that this node does not, or of fewer. Until
   * the list was read anew nothing moves for balance, which would go back to one that leaves. `asked`, `read`: of
   * those, the ones before the list was asked for last, and before it was asked for when it was read last.
   */
  readonly doubts: { seen: number; asked: number; read: number }
  /** Whose each shard is, by the highest term heard of. */
  readonly shards: Map<number, ShardRow>
  readonly spells: Map<number, Spell>
  /** The highest term of each shard under which nothing counts any more here. */
  readonly shut: Map<number, number>
  /** What the store was asked, and has not answered. */
  readonly asked: Set<string>
  readonly due: { lives: Millis; members: Millis; shards: Millis }
  /** When a peer with a valid lease was heard last. */
  peerAt: Millis
  toldAway: boolean
  leavingSince: Millis
  emptied: boolean
}
