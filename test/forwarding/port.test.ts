/** Nodes of a cluster on one machine, behind one port. */
import { expect, it } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import { freePort } from '../ports.ts'
import { cluster, person } from './nodes.ts'

it('is shared by nodes that say so: each has its part of the connections, whoever has the users', async () => {
  const start = await cluster({}, 60_000)
  const port = await freePort()
  const nodes = [await start('a', {}, { port, shared: true }), await start('b', {}, { port, shared: true })] as const
  await expect(start('c', {}, { port: 0, shared: true })).rejects.toThrow('has to be named')
  await expect(start('d', {}, { port })).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: the port is in use.`)
  const people = Array.from({ length: 32 }, (_, n) => person(`user${n}`, nodes[0]))
  await Promise.all(people.map(({ client }, n) => client.send(`user${(n + 1) % 32}`, 'hello')))
  await expect.poll(() => people.map(({ bodies }) => bodies())).toEqual(people.map(() => ['hello']))
  const sessions = nodes.map(({ node }) => node.stats().sessions)
  expect(sessions.reduce((sum, count) => sum + count)).toBe(32)
  expect(Math.min(...sessions)).toBeGreaterThan(0)
})

it('is not shared by a node that is in no cluster: its users would not find each other', async () => {
  const node = createNode({ store: memoryStore() })
  await expect(node.listen({ port: 0, shared: true })).rejects.toThrow('Only nodes of a cluster share a port')
})
