/** Why a node is not in its cluster, in words for whoever runs it. */
import type { HostWish } from '../cluster/types.ts'
import type { MemberRow } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'

export function refusal({ why, by }: Extract<HostWish, { do: 'refused' }>, name: string): StoreError {
  return new StoreError(
    'locked',
    why === 'datacenter'
      ? `This node's store is in another datacenter than that of ${by.name}, ${by.dc}: nodes of one cluster use one.`
      : `A node named ${name} runs already, at ${by.link}: give this one another name, or stop that one.`,
  )
}

export const stranger = ({ name, link }: MemberRow, why: string): StoreError =>
  new StoreError(
    'locked',
    `This node is no node of the cluster of ${name} at ${link} (${why}): give all nodes the same secret.`,
  )

export const unreachable = ({ name, link }: MemberRow, why: string): StoreError =>
  new StoreError(
    'locked',
    `${name} runs at ${link}, and this node does not reach it there (${why}): nodes of one cluster reach each other, and use TLS with certificates of one authority, or none of them does.`,
  )

/** `own` and `other`: what the two tell a service; undefined: they tell the same. */
export function otherHooks(own: string, other: string, name: string): string | undefined {
  if (own === other) return undefined
  const all = 'start all nodes of a cluster with the same webhook options'
  if (own === '') return `${name} has webhooks, and this node has none, so no service hears of its users: ${all}.`
  if (other === '') return `${name} has no webhooks, so no service hears of its users: ${all}.`
  return `${name} tells ${other}, and this node ${own}: ${all}.`
}

export const fenced = (name: string): StoreError =>
  new StoreError(
    'fenced',
    `The other nodes have taken this start of ${name} for dead, since it could not renew its lease, and have its shards: start it anew.`,
  )
