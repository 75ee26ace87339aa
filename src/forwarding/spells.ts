/** The spells in which a node of a cluster has its shards. */
import type { RunningMember } from '../cluster/running.ts'
import { type Heed, type Spell, still } from '../hosts/spells.ts'
import type { ClusterStore, Still, Store } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'

/** A store that nodes share. */
export type SharedStore = Store & { readonly cluster: ClusterStore; under(term: number, still: Still): Store }

export class Spells {
  readonly #store: SharedStore
  readonly #shardOf: (id: string) => number
  readonly #member: () => RunningMember | undefined
  readonly #spells = new Map<number, Spell>()

  constructor(store: SharedStore, shardOf: (id: string) => number, member: () => RunningMember | undefined) {
    this.#store = store
    this.#shardOf = shardOf
    this.#member = member
  }

  /** Throws where another node has the actor. */
  of(id: string): Spell {
    const shard = this.#shardOf(id)
    const term = this.#member()?.state.spells.get(shard)?.term
    if (term === undefined) throw new StoreError('unavailable', `Another node has ${id}.`)
    const known = this.#spells.get(shard)
    if (known?.term === term) return known
    const spell = this.#begin(shard, term)
    this.#spells.set(shard, spell)
    return spell
  }

  #begin(shard: number, term: number): Spell {
    // Shards whose terms are the same have one store.
    const store = this.#store.under(term, (id) => still({ heed: this.#heed(this.#shardOf(id), term) }))
    const outdone = (by: number) => this.#member()?.tell({ is: 'outdone', shard, term: by })
    return { term, store, heed: this.#heed(shard, term), outdone }
  }

  #heed =
    (shard: number, term: number): Heed =>
    (pass, over) =>
      this.#member()?.gate.enter(shard, term, pass, over)

  drop(shard: number): void {
    this.#spells.delete(shard)
  }
}
