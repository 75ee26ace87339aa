/** Several nodes in one cluster: users whose actors, and whose sessions, are on any of them. */
import { expect, it } from 'vitest'
import type { KnownCluster } from '../../src/index.ts'
import { cluster, type Member, type Person, person, shards, userOf } from './nodes.ts'

/** Each sends to the next again and again, until `end`; answers what everybody is to get. */
function chatter(people: readonly Person[]) {
  const sent = people.map((): string[] => [])
  let over = false
  const sends = people.map(async ({ client }, n) => {
    for (let count = 0; !over; count++) {
      const body = `${n} ${count}`
      await client.send((people[(n + 1) % people.length] as Person).name, body)
      sent[(n + 1) % people.length]?.push(body)
    }
  })
  for (const send of sends) send.catch(() => {})
  const end = async () => {
    over = true
    await Promise.all(sends)
    return sent
  }
  return { end, sent }
}

/** Each shard is one node's, and each node has some. */
function isShared(nodes: readonly Member[]): boolean {
  const known = nodes.map(({ node }) => node.cluster() as KnownCluster)
  const all = known.flatMap(({ shards }) => shards)
  return (
    all.length === shards &&
    new Set(all).size === shards &&
    known.every(({ shards, moving }) => shards.length > 0 && moving === 0)
  )
}

it('a message goes from any node to any other, and its ticks come back', async () => {
  const start = await cluster()
  const [a, b, c] = [await start('a'), await start('b'), await start('c')]
  for (const [n, from, to] of [
    [0, a, b],
    [1, b, c],
    [2, c, a],
    [3, a, a],
  ] as const) {
    const [ann, bob] = [person(userOf(n), from), person(userOf(n + 4), to)]
    const { id } = await ann.client.send(bob.name, `hi ${n}`)
    await expect.poll(() => bob.bodies()).toEqual([`hi ${n}`])
    await expect.poll(() => ann.states.get(id)).toBe('read')
  }
})

it('all that is sent comes once and in its order while nodes join, take their shards, and leave', async () => {
  const start = await cluster()
  const a = await start('a')
  const nodes = [a]
  const people = Array.from({ length: shards }, (_, n) => person(userOf(n), a))
  const talk = chatter(people)
  const b = await start('b')
  nodes.push(b)
  const c = await start('c')
  nodes.push(c)
  await expect.poll(() => isShared(nodes)).toBe(true)
  await b.node.close()
  await expect.poll(() => isShared([a, c])).toBe(true)
  const sent = await talk.end()
  await expect.poll(() => people.map((one) => one.bodies())).toEqual(sent)
  expect(sent.every((bodies) => bodies.length > 10)).toBe(true)
})
