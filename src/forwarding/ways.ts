/** Which node has a shard, as this one knows it, and the link to it. */
import type { Link } from '../cluster/link/link.ts'
import type { Spell } from '../cluster/types.ts'
import { shardOf } from '../runtime/index.ts'
import type { ShardRow } from '../store/contract.ts'
import type { ForwardingContext } from './context.ts'
import { kinds } from './frames.ts'

export class Ways {
  readonly #context: ForwardingContext
  /** Over which link something was sent for a shard last. */
  readonly #used = new Map<number, Link>()

  constructor(context: ForwardingContext) {
    this.#context = context
  }

  shardOf(id: string): number {
    return shardOf(id, this.#context.shards)
  }

  /** In which this node has a shard. */
  spell(shard: number): Spell | undefined {
    return this.#context.state().spells.get(shard)
  }

  row(shard: number): ShardRow | undefined {
    return this.#context.state().shards.get(shard)
  }

  /** To the owner of a shard; undefined: nobody is known to have it, or there is no link to who has. */
  to(shard: number): Link | undefined {
    const owner = this.row(shard)?.owner
    return owner === undefined ? undefined : this.#context.links().to(owner)
  }

  used(shard: number): Link | undefined {
    return this.#used.get(shard)
  }

  /** What goes for a shard goes over this link from now on. */
  use(shard: number, link: Link): void {
    if (this.#used.get(shard) === link) return
    this.#used.set(shard, link)
    // It may not know yet that it is its own.
    this.tellRow(link, shard)
  }

  unuse(shard: number): void {
    this.#used.delete(shard)
  }

  lost(link: Link): void {
    for (const [shard, used] of this.#used) if (used === link) this.#used.delete(shard)
  }

  tellRow(link: Link, shard: number): void {
    const row = this.row(shard)
    if (row) link.tell([kinds.moved, row.shard, row.owner, row.term])
  }
}

/** As `moved` has them. */
export function rowsOf(numbers: readonly number[]): ShardRow[] {
  const rows: ShardRow[] = []
  for (let n = 0; n + 2 < numbers.length; n += 3)
    rows.push({ shard: numbers[n] as number, owner: numbers[n + 1] as number, term: numbers[n + 2] as number })
  return rows
}
