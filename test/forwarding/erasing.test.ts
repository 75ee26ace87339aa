/** A user is exported and erased by a node that has neither their actor nor their sessions, with groups that are elsewhere. */
import { expect, it, vi } from 'vitest'
import { Everywhere } from '../../src/forwarding/everywhere.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { cluster, type Member, person, userOf } from './nodes.ts'

async function keptOf({ node }: Member, user: string): Promise<readonly Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = []
  for await (const line of node.exportUser(user)) lines.push(JSON.parse(line))
  return lines
}
const bodies = (lines: readonly Record<string, unknown>[]) =>
  lines.flatMap(({ body }) => (body === undefined ? [] : [body]))

it('is done wherever actors and sessions are, and all nodes keep the user out', async () => {
  const start = await cluster()
  const [a, b, c] = [await start('a'), await start('b'), await start('c')]
  const nodes = [a, b, c]
  const [ann, bob] = [person(userOf(0), a), person(userOf(5), b)]
  const other = person(bob.name, c, 'laptop')
  const groups: string[] = []
  for (let n = 0; n < 8; n++)
    groups.push(await a.node.createGroup({ by: ann.name, name: `Group ${n}`, members: n % 2 ? [bob.name] : [] }))
  const his = groups.filter((_, n) => n % 2 === 1)
  await ann.client.send(bob.name, 'a secret')
  for (const group of his) await ann.client.send(group, 'to all')
  await expect.poll(() => bob.bodies().filter((body) => body === 'to all')).toHaveLength(his.length)
  for (const at of nodes) {
    const kept = await keptOf(at, bob.name)
    expect(bodies(kept)).toContain('a secret')
    expect(
      kept
        .filter(({ is }) => is === 'group')
        .map(({ group }) => group)
        .sort(),
    ).toEqual([...his].sort())
    expect((await at.node.users()).users).toContain(bob.name)
  }
  const erased = await Promise.all([c.node.eraseUser(bob.name), a.node.eraseUser(bob.name)])
  expect([...new Set(erased.flatMap(({ left }) => left))].sort()).toEqual([...his].sort())
  for (const at of nodes) {
    expect(bodies(await keptOf(at, bob.name))).toEqual([])
    expect(await at.node.inspect(bob.name)).toMatchObject({ devices: [], lastSeen: null })
    for (const group of his) expect((await at.node.group(group))?.members).toEqual([ann.name])
    await expect.poll(() => at.node.bans()).toEqual([bob.name])
  }
  for (const { client } of [bob, other]) await expect.poll(() => client.connection).toMatchObject({ code: 'banned' })
})

it('does not go on while a node is in the cluster that could not be told of the ban, and would let the user in', async () => {
  const start = await cluster()
  const [a, b] = [await start('a'), await start('b')]
  // The others call it where nobody answers.
  const c = await start('c', { cluster: { name: 'c', link: { address: '127.0.0.1:1' } } })
  const bob = userOf(5)
  const erased = a.node.eraseUser(bob).then(() => 'erased')
  await expect.poll(() => b.node.bans()).toEqual([bob])
  const waits = new Promise((resolve) => setTimeout(() => resolve('waits'), 2_000))
  expect(await Promise.race([erased, waits])).toBe('waits')
  expect(c.node.bans()).not.toContain(bob)
  await c.node.close()
  expect(await erased).toBe('erased')
})

it('is not ended by another node while it runs: what the user got once they are in would go with the rest', async () => {
  const start = await cluster()
  const [a, b] = [await start('a'), await start('b')]
  // As if one was in that cannot be told: it waits for that.
  const told = vi.spyOn(Everywhere.prototype, 'tellBan').mockResolvedValue(false)
  const bob = userOf(5)
  const linked = () => b.node.cluster()?.nodes.map(({ isLinked }) => isLinked)
  await expect.poll(linked).toEqual([true, true])
  const erased = a.node.eraseUser(bob)
  await expect.poll(() => a.node.bans()).toEqual([bob])
  await expect(b.node.unban(bob)).rejects.toMatchObject({ code: 'busy' })
  expect([await a.node.bans(), await b.node.erasures()]).toMatchObject([[bob], [{ user: bob }]])
  told.mockRestore()
  await erased
  expect(await b.node.unban(bob)).toBe(true)
})

it('goes on, when another node gets the user, with what was begun before', async () => {
  const start = await cluster()
  const a = await start('a')
  const bob = userOf(5)
  await a.way.store.saveErasure(bob as UserId, true)
  await a.node.close()
  const b = await start('b')
  await expect.poll(() => b.node.erasures(), { timeout: 60_000 }).toEqual([])
  expect(await b.node.bans()).toEqual([bob])
})

it('whom operators of one node ban, or let in again, all nodes know at once', async () => {
  const start = await cluster()
  const nodes = [await start('a'), await start('b'), await start('c')]
  const linked = ({ node }: Member) => node.cluster()?.nodes.map(({ isLinked }) => isLinked)
  for (const at of nodes) await expect.poll(() => linked(at)).toEqual([true, true, true])
  const bob = userOf(5)
  const { client } = person(bob, nodes[2] as Member)
  await expect.poll(() => client.connection).toMatchObject({ is: 'online' })
  await nodes[0]?.node.ban(bob)
  for (const { node } of nodes) expect(await node.bans()).toEqual([bob])
  await expect.poll(() => client.connection).toMatchObject({ code: 'banned' })
  expect(await nodes[1]?.node.unban(bob)).toBe(true)
  for (const { node } of nodes) expect(await node.bans()).toEqual([])
})
