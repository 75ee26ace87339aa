/** Whose each shard should be, by the names of the nodes alone: all who know the same members come to the same plan, and need nobody to make one. */
import { hash } from '../runtime/hash.ts'

/** As MurmurHash3 ends. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** How many shards a node may have: 5 % over the mean. */
export const roomOf = (shards: number, nodes: number): number => Math.ceil((1.05 * shards) / nodes)

/**
 * For each shard the index of its node: the one with the highest hash of both (so that few shards move when a node comes or goes, and
 * one that is back gets its own) that has room. Of 1,024 shards on 10 nodes one that leaves moves 101, where 92 are needed.
 */
export function plan(shards: number, names: readonly string[]): number[] {
  const room = roomOf(shards, names.length)
  const seeds = names.map((name) => mix(hash(name)))
  const load = names.map(() => 0)
  return Array.from({ length: shards }, (_, shard) => {
    const salt = mix(shard + 1)
    let [best, highest] = [-1, -1]
    for (const [index, seed] of seeds.entries()) {
      const score = (load[index] as number) < room ? mix(seed ^ salt) : -1
      if (score > highest) [best, highest] = [index, score]
    }
    load[best] = (load[best] as number) + 1
    return best
  })
}
