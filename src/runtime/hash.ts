/** FNV-1a: spreads ids evenly over a few parts. */
export function hash(id: string): number {
  let hash = 2_166_136_261
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16_777_619)
  return hash >>> 0
}

/**
 * The shard of a user or a group, of so many, by the id alone. Never to be changed: nodes of one cluster must agree on it, and it is
 * stored. The hash is mixed once more (as MurmurHash3 ends), since ids that differ in the last letter would be neighbours.
 */
export function shardOf(id: string, shards: number): number {
  let mixed = hash(id)
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) % shards
}
