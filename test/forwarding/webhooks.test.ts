/** A service that is told by several nodes what happens, while they come, go, and end: each event at least once, and in the order of each user. */
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { createNode, type Fault, type KnownCluster } from '../../src/index.ts'
import { namesOf } from '../../src/operations/webhooks/names.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { bodiesTo, type Event, first, receiver, secret } from '../operations/webhooks/receiver.ts'
import { bare } from './bare.ts'
import { cluster, type Member, person, shards, userOf } from './nodes.ts'
import { shared } from './shared.ts'

type Service = Awaited<ReturnType<typeof receiver>>

const hooks = ({ url }: Service) => ({ url, secrets: [secret] })
type Known = { readonly node: { cluster(): KnownCluster | undefined } }
const known = ({ node }: Known) => node.cluster() as KnownCluster
const isShared = (nodes: readonly Known[]) => () => {
  const all = nodes.map(known)
  const own = all.flatMap(({ shards }) => shards)
  const areSome = all.every(({ shards, moving }) => shards.length > 0 && moving === 0)
  return areSome && own.length === shards && new Set(own).size === shards
}

/** What the service heard of who comes and goes. */
const comings = (service: Service, user: string) =>
  first(service.taken)
    .filter(({ type, data }) => type.startsWith('user.') && data['user'] === user)
    .map(({ type }) => type)

/** Until it is done: what is busy is asked for again, under its id. */
const insist = (send: () => Promise<unknown>) =>
  expect
    .poll(() =>
      send().then(
        () => 'sent',
        () => 'busy',
      ),
    )
    .toBe('sent')

it('a service is told of all that happens, whichever nodes have the sockets and the actors', async () => {
  const service = await receiver()
  const start = await cluster({ webhooks: hooks(service) })
  const nodes = [await start('a'), await start('b'), await start('c')]
  await expect.poll(isShared(nodes)).toBe(true)
  const at = (n: number) => nodes[n % 3] as Member
  const people = Array.from({ length: shards }, (_, n) => person(userOf(n), at(n)))
  for (const { name } of people) await expect.poll(() => comings(service, name)).toEqual(['user.online'])
  for (const [n, { client }] of people.entries()) await client.send(userOf((n + 5) % shards), `from ${n}`)
  for (const [n, { name }] of people.entries()) {
    const [from, body] = [(n + shards - 5) % shards, `from ${(n + shards - 5) % shards}`]
    await expect.poll(() => bodiesTo(service, name)).toEqual([body])
    const read = () => service.of('message.read').filter(({ data }) => data['to'] === name)
    await expect.poll(() => read().map(({ data }) => data['from'])).toContain(userOf(from))
  }
  for (const { client } of people) await client.close()
  for (const { name } of people)
    await expect.poll(() => comings(service, name)).toEqual(['user.online', 'user.offline'])
  for (const [n, { name }] of people.entries()) {
    await at(n).node.send({ from: 'shop', to: name, body: '1' })
    await at(n + 1).node.send({ from: 'shop', to: name, body: '2' })
  }
  for (const { name } of people) {
    const unread = () =>
      first(service.of('message.waiting')).filter(({ data }) => data['to'] === name && data['from'] === 'shop')
    await expect.poll(() => unread().map(({ data }) => data['unread'])).toEqual([1, 2])
  }
  expect(service.wrong).toEqual([])
})

it('each event comes, in order, while nodes join, take their shards and leave, and who stays connected is told of once', async () => {
  const tries = new Set<string>()
  const fails = ({ id }: Event) => (id.endsWith('0') && !tries.has(id) && tries.add(id) ? 500 : undefined)
  const service = await receiver(fails)
  const start = await cluster({ webhooks: hooks(service) })
  const a = await start('a')
  const people = Array.from({ length: shards }, (_, n) => person(userOf(n), a))
  const sent = people.map((): string[] => [])
  let over = false
  const sends = people.map(async ({ client }, n) => {
    for (let count = 0; !over; count++) {
      const to = (n + 1) % shards
      await client.send(userOf(to), `${n} ${count}`)
      sent[to]?.push(`${n} ${count}`)
    }
  })
  for (const send of sends) send.catch(() => {})
  const [b, c] = [await start('b'), await start('c')]
  await expect.poll(isShared([a, b, c])).toBe(true)
  await b.node.close()
  await expect.poll(isShared([a, c])).toBe(true)
  over = true
  await Promise.all(sends)
  for (const [n, { name }] of people.entries()) {
    await expect.poll(() => bodiesTo(service, name)).toEqual(sent[n])
    await expect.poll(() => comings(service, name)).toEqual(['user.online'])
  }
  expect(await a.node.deadWebhooks()).toEqual([])
})

it('what a node had recorded, and what it had not, goes out from those that are left when it is killed, and who was there is told to be gone', async () => {
  const service = await receiver()
  const wayTo = await shared()
  const one = async (name: string) => {
    const way = wayTo()
    const options = { name, shards, secret: 'a secret of thirty-two characters', leaseMs: 3_000 }
    return { way, node: await bare({ store: way.store, webhooks: hooks(service), cluster: options }) }
  }
  const [a, b] = [await one('a'), await one('b')]
  await expect.poll(isShared([a.node, b.node])).toBe(true)
  const [here = 0, there = 0] = [known(a.node).shards[0], known(b.node).shards[0]]
  // Of users of the one that is killed: on it, on the other, and nowhere. And a user of the other, on it.
  const [bob, dot, eve, cid] = [userOf(there), userOf(there, 1), userOf(there, 2), userOf(here)]
  b.node.come(bob)
  b.node.come(cid)
  a.node.come(dot)
  for (const name of [bob, cid, dot]) await expect.poll(() => comings(service, name)).toEqual(['user.online'])
  await service.kill()
  const send = (node: typeof a, body: string) =>
    node.node.node.send({ from: 'shop', to: eve, body, id: `00000000-0000-7000-8000-00000000000${body}` })
  for (const body of ['1', '2', '3']) await send(a, body)
  const { append } = b.way.store
  // As by kill -9 between the two writes: the message is durable, what follows from it is not, and nobody was answered.
  b.way.store.append = (owner, ...rest) =>
    owner.startsWith('outbox') ? new Promise<never>(() => {}) : append(owner, ...rest)
  void send(a, '4').catch(() => {})
  const tail = async () => (await a.way.store.load(eve as UserId))?.tail
  await expect.poll(tail).toBe(4)
  b.node.kill()
  await service.start()
  await expect.poll(() => known(a.node).shards.length).toBe(shards)
  await insist(() => send(a, '4'))
  expect(await tail()).toBe(4)
  await expect.poll(() => bodiesTo(service, eve)).toEqual(['1', '2', '3', '4'])
  const waits = () => first(service.of('message.waiting')).filter(({ data }) => data['to'] === eve)
  await expect.poll(() => waits().length).toBe(4)
  for (const name of [bob, cid])
    await expect.poll(() => comings(service, name)).toEqual(['user.online', 'user.offline'])
  expect(comings(service, dot)).toEqual(['user.online'])
})

it('a node that is taken for dead, and wakes, has told nothing out of order', async () => {
  const service = await receiver()
  const start = await cluster({ webhooks: hooks(service) }, 1_500)
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(isShared([a, b])).toBe(true)
  const bob = person(userOf(known(b).shards[0] as number), a)
  await expect.poll(() => comings(service, bob.name)).toEqual(['user.online'])
  const bodies = Array.from({ length: 20 }, (_, n) => String(n))
  for (const body of bodies.slice(0, 10)) await a.node.send({ from: 'shop', to: bob.name, body })
  b.way.cut = true
  await expect.poll(() => known(a).shards.length).toBe(shards)
  for (const body of bodies.slice(10)) {
    const id = `00000000-0000-7000-8000-0000000000${body}`
    await insist(() => a.node.send({ from: 'shop', to: bob.name, body, id }))
  }
  b.way.cut = false
  await expect(b.node.closed).rejects.toThrow(/^The other nodes have taken this start of b for dead/)
  await expect.poll(() => bodiesTo(service, bob.name)).toEqual(bodies)
  await bob.client.close()
  await expect.poll(() => comings(service, bob.name).at(-1)).toBe('user.offline')
})

it('what a node has left that had the store alone goes out from the nodes of a cluster, which has that store from then on', async () => {
  const service = await receiver()
  await service.kill()
  const wayTo = await shared()
  const first = createNode({ store: wayTo().store, webhooks: hooks(service) })
  const { url } = await first.listen({ port: 0 })
  const users = Array.from({ length: shards }, (_, n) => userOf(n))
  for (const to of users) await first.send({ from: 'shop', to, body: '1' })
  const ann = connect({ url, token: userOf(0) })
  await expect.poll(() => ann.connection.is).toBe('online')
  await ann.close()
  await first.close()
  await service.start()
  const cluster = { name: 'a', shards, secret: 'a secret of thirty-two characters' }
  const second = createNode({ store: wayTo().store, webhooks: hooks(service), cluster })
  onTestFinished(() => second.close())
  await second.listen({ port: 0 })
  for (const to of users) await second.send({ from: 'shop', to, body: '2' })
  for (const to of users) await expect.poll(() => [...bodiesTo(service, to)].sort()).toEqual(['1', '2'])
})

it('who stays connected is told of once, also where their shard is held up after their actor has gone, and a device of theirs has just come', async () => {
  const service = await receiver()
  const start = await cluster({ webhooks: hooks(service) })
  const a = await start('a')
  // Presences that are being saved hold up their shards.
  const { saveLastSeen } = a.way.store
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  a.way.store.saveLastSeen = (...seen) => held.then(() => saveLastSeen(...seen))
  const people = Array.from({ length: shards }, (_, n) => person(userOf(n), a))
  let over = false
  const comes = people.map(async ({ name }) => {
    while (!over) {
      const tab = connect({ url: a.url, token: name, device: 'tab' })
      await expect.poll(() => tab.connection.is).toBe('online')
      await tab.close()
    }
  })
  for (const { name } of people) await expect.poll(() => comings(service, name)).toEqual(['user.online'])
  const b = await start('b')
  await expect.poll(isShared([a, b])).toBe(true)
  over = true
  await Promise.all(comes)
  goOn()
  // What was told of a user before this message comes before it.
  for (const { name } of people) await a.node.send({ from: 'shop', to: name, body: 'hi' })
  for (const { name } of people) await expect.poll(() => bodiesTo(service, name)).toEqual(['hi'])
  for (const { name } of people) expect(comings(service, name)).toEqual(['user.online'])
})

it('nodes that do not tell the same say so', async () => {
  const service = await receiver()
  const faults: string[] = []
  const hears = (name: string) => ({
    onFault: ({ where, error }: Fault) => void (where === 'cluster' && faults.push(`${name}: ${error}`)),
  })
  const start = await cluster()
  await start('a', { ...hears('a'), webhooks: hooks(service) })
  await start('b', hears('b'))
  await start('c', { ...hears('c'), webhooks: { ...hooks(service), events: ['message.accepted'] } })
  const all = 'start all nodes of a cluster with the same webhook options.'
  for (const said of [
    `a: Error: b has no webhooks, so no service hears of its users: ${all}`,
    `b: Error: a has webhooks, and this node has none, so no service hears of its users: ${all}`,
    expect.stringMatching(
      /^c: Error: a tells http:.* of message\.accepted, message\.delivered, .*, and this node http:/,
    ),
  ])
    await expect.poll(() => faults).toContainEqual(said)
})

it('the outbox of a shard is in that shard by its name, which never changes', () => {
  const { of, at } = namesOf(1_024)
  expect(of('alice')).toBe('outbox\tof 1')
  expect(new Set(Array.from({ length: 1_024 }, (_, shard) => at(shard)[0])).size).toBe(1_024)
})
