/** Who is online by any of several nodes, as any of them answers. */
import { expect, it } from 'vitest'
import type { KnownCluster } from '../../src/index.ts'
import { cluster, type Member, person, shards, userOf } from './nodes.ts'

const known = ({ node }: Member) => node.cluster() as KnownCluster

it('a node answers who is online in the whole cluster, page by page, and each user once', async () => {
  const start = await cluster({}, 60_000)
  const nodes = [await start('a'), await start('b'), await start('c')] as const
  const isShared = () =>
    nodes.every((node) => known(node).shards.length > 0 && known(node).nodes.every(({ isLinked }) => isLinked))
  await expect.poll(isShared).toBe(true)
  const users = Array.from({ length: shards }, (_, shard) => userOf(shard)).sort()
  for (const [n, user] of users.entries()) person(user, nodes[n % 3] as Member)
  // By two nodes.
  person(users[0] as string, nodes[1], 'tablet')
  for (const { node } of nodes)
    await expect.poll(() => node.online({ limit: 5 })).toEqual({ users: users.slice(0, 5), count: shards })
  const after = users[4] as string
  expect(await nodes[2].node.online({ after, limit: 5_000 })).toEqual({ users: users.slice(5), count: shards })
  await nodes[1].node.disconnect(users[0] as string)
})

it('a node answers through which devices a user is connected, and by which node each of them', async () => {
  const start = await cluster({}, 60_000)
  const nodes = [await start('a'), await start('b'), await start('c')] as const
  const isLinked = () => nodes.every((node) => known(node).nodes.every(({ isLinked }) => isLinked))
  await expect.poll(isLinked).toBe(true)
  const [a, b, c] = nodes
  const user = userOf(3)
  person(user, a, 'phone')
  person(user, c, 'tablet')
  const where = async ({ node }: Member) =>
    (await node.sessions(user)).map(({ device, node }) => `${device} ${node}`).sort()
  for (const node of [b, a, c]) await expect.poll(() => where(node)).toEqual(['phone a', 'tablet c'])
})
