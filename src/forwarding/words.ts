/** Why a node is not in its cluster, in words for whoever runs it. */
import type { HostWish } from '../cluster/types.ts'
import { StoreError } from '../store/error.ts'

export function refusal({ why, by }: Extract<HostWish, { do: 'refused' }>, name: string): StoreError {
  return new StoreError(
    'locked',
    why === 'datacenter'
      ? `This node's store is in another datacenter than that of ${by.name}, ${by.dc}: nodes of one cluster use one.`
      : `A node named ${name} runs already, at ${by.link}: give this one another name, or stop that one.`,
  )
}

export const fenced = (name: string): StoreError =>
  new StoreError(
    'fenced',
    `The other nodes have taken this start of ${name} for dead, since it could not renew its lease, and have its shards: start it anew.`,
  )
