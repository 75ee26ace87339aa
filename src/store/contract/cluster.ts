/** What the nodes of a cluster agree on: which lives there are, who is a member, and whose each shard is. */

/**
 * A start of a node as a row of its own, so that renewals never contend. A living one renews it every few seconds; who is dead stays so.
 * Whoever is not there any more is dead, too: a row goes a day after its last write.
 */
export type LifeRow = {
  readonly state: 'up' | 'dead'
  /** Rises with each renewal. */
  readonly beat: number
}

/** A node that is in. Names are unique among members; lives (numbers from `takeTerm`) for ever. */
export type MemberRow = {
  readonly life: number
  readonly name: string
  /** `leaving`: it gives its shards to others. */
  readonly state: 'up' | 'leaving'
  /** Its datacenter: lightweight transactions are those of one. */
  readonly dc: string
  /** Where other nodes reach it, "host:port". */
  readonly link: string
  /** The newest version of the link's protocol that it speaks. */
  readonly proto: number
}

/** `view` rises with each change. */
export type Members = { readonly view: number; readonly rows: readonly MemberRow[] }

/** Whose a shard is, and under which term: that rises with each change. Owner 0: nobody's yet. */
export type ShardRow = { readonly shard: number; readonly owner: number; readonly term: number }
/** From what it is to what it shall be. */
export type ShardMove = { readonly from: ShardRow; readonly to: ShardRow }

/**
 * Each change is a compare-and-set; after a rejection its outcome is unknown, and it may still come to pass. Reads see all changes whose
 * outcome somebody knows, and maybe others.
 */
export interface ClusterStore {
  /** Makes `count` shards that are nobody's, where there are none. Answers how many there are: a keyspace keeps its number. */
  makeShards(count: number): Promise<number>

  /** Of these lives, those that have a row. */
  lives(lives: readonly number[]): Promise<ReadonlyMap<number, LifeRow>>
  /**
   * Sets the beat of a life that is up and has a lower one; `first` makes its row, where there is none. Answers the row after that,
   * undefined where there is none. Rejects after `timeoutMs`, and asks one host alone.
   */
  renew(life: number, beat: number, first: boolean, timeoutMs: number): Promise<LifeRow | undefined>
  /** Marks a life dead that is up and has this beat; null: any. Answers the row after that. */
  mark(life: number, beat: number | null): Promise<LifeRow | undefined>

  /** The life that had the store for itself last; 0: none has. */
  alone(): Promise<number>
  /** This one has it for itself. Durable when it resolves. */
  beAlone(life: number): Promise<void>

  members(): Promise<Members>
  /** In view `view` one joins, or changes its row, and others are no members any more. False: there is another view. */
  change(view: number, join: MemberRow | null, leave: readonly number[]): Promise<boolean>

  /** All of them. */
  shards(): Promise<readonly ShardRow[]>
  /** Moves shards of one part (`partOf`), all or none. Answers their rows after that; those of the shards that were not as they should be tell why. */
  move(moves: readonly ShardMove[]): Promise<readonly ShardRow[]>
}

/** Shards whose rows are changed together: as many as one conditional batch of Cassandra carries well. */
const shardsOfPart = 64

/** Which rows are changed together: one change of a part at a time is under way for each node. */
export const partOf = (shard: number): number => Math.floor(shard / shardsOfPart)
