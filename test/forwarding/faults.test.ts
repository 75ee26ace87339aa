/** A node of a cluster that loses its store, and what people on different nodes see of each other. */
import { expect, it } from 'vitest'
import type { KnownCluster } from '../../src/index.ts'
import { cluster, type Member, person, shards, userOf } from './nodes.ts'

const known = ({ node }: Member) => node.cluster() as KnownCluster
const allOwn = (...nodes: readonly Member[]) =>
  new Set(nodes.flatMap((node) => known(node).shards)).size === shards &&
  nodes.every((node) => known(node).shards.length > 0 && known(node).moving === 0)

it('what a node has that cannot reach the store is taken by the others; when it can again it has nothing to say, and ends', async () => {
  const start = await cluster({}, 1_500)
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => allOwn(a, b)).toBe(true)
  const [shard = 0] = known(b).shards
  const [ann, bob] = [person(userOf(known(a).shards[0] as number), a), person(userOf(shard), a)]
  await ann.client.send(bob.name, 'before')
  await expect.poll(() => bob.bodies()).toEqual(['before'])
  b.way.cut = true
  const stuck = b.node.send({ from: ann.name, to: bob.name, body: 'while it is cut off' }).then(
    () => 'sent',
    () => 'refused',
  )
  await expect.poll(() => known(a).shards.length).toBe(shards)
  await ann.client.send(bob.name, 'after')
  await expect.poll(() => bob.bodies()).toEqual(['before', 'after'])
  b.way.cut = false
  await expect(b.node.closed).rejects.toThrow(/^The other nodes have taken this start of b for dead/)
  expect(await stuck).toBe('refused')
  expect(bob.bodies()).toEqual(['before', 'after'])
})

it('people on different nodes see who is online and who types, and when one was seen last', async () => {
  const start = await cluster()
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => allOwn(a, b)).toBe(true)
  for (const [of, at] of [
    [a, b],
    [b, a],
  ] as const) {
    const watched = person(userOf(known(of).shards[1] as number), at)
    const watcher = person(userOf(known(of).shards[2] as number), of)
    await watched.client.send(watcher.name, 'hi')
    const seen: unknown[] = []
    watcher.client.watch(watched.name, (presence) => seen.push(presence))
    await expect.poll(() => seen.at(-1)).toMatchObject({ online: true })
    const typing: unknown[] = []
    watcher.client.on('typing', (event) => typing.push(event))
    watched.client.watch(watcher.name, () => {})
    watched.client.typing(watcher.name, 'typing')
    await expect.poll(() => typing).toMatchObject([{ user: watched.name, doing: 'typing' }])
    watched.client.close()
    await expect.poll(() => seen.at(-1)).toMatchObject({ online: false })
  }
})

it('a group has members on all nodes, and all have what is said in it, once and in one order', async () => {
  const start = await cluster()
  const nodes = [await start('a'), await start('b'), await start('c')] as const
  await expect.poll(() => allOwn(...nodes)).toBe(true)
  const people = nodes.map((node, n) =>
    person(userOf(known(nodes[(n + 1) % 3] as Member).shards[0] as number, 2), node),
  )
  const [ann, ben, cat] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]]
  const group = await ann.client.createGroup('tea', [ben.name, cat.name])
  const texts = ({ got }: typeof ann) => got.filter(({ change }) => !change).map(({ body }) => body)
  await expect.poll(() => [ben.got.length, cat.got.length].every((count) => count > 0)).toBe(true)
  for (const one of [ann, ben, cat]) await one.client.send(group, `of ${one.name}`)
  const all = [ann, ben, cat].map(({ name }) => `of ${name}`)
  const others = (name: string) => all.filter((text) => text !== `of ${name}`)
  await expect.poll(() => people.map(texts)).toEqual(people.map(({ name }) => others(name)))
})

it('an operator ends the sessions of a user on whatever nodes, and a ban holds on all', async () => {
  const start = await cluster()
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => known(a).nodes.every(({ isLinked }) => isLinked) && known(a).nodes.length).toBe(2)
  person('ann', a, 'phone')
  person('ann', b, 'laptop')
  const devices = async () => (await a.node.sessions('ann')).map(({ device }) => device).sort()
  await expect.poll(devices).toEqual(['laptop', 'phone'])
  expect(await a.node.disconnect('ann')).toBe(2)
  await expect.poll(devices).toEqual(['laptop', 'phone'])
  await a.node.ban('ann')
  await expect.poll(devices).toEqual([])
  await expect.poll(() => b.node.bans()).toEqual(['ann'])
})
