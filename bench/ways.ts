/** By which node of a cluster a user of the bench comes. */
import { shardOf } from '../src/runtime/hash.ts'

/** `home`: the one that has the user's actor. `any`: one in turn, whoever has it. */
export type By = 'home' | 'any'
/** `owners`: by the number of a shard, which of the ports is that of its node. */
export type Ways = { readonly by: By; readonly ports: readonly number[]; readonly owners: readonly number[] }

/** The port for the user of this name and number. */
export function wayOf({ by, ports, owners }: Ways, name: string, index: number): number {
  const nth = by === 'any' ? index : (owners[shardOf(name, owners.length)] ?? 0)
  return ports[nth % ports.length] ?? 0
}
