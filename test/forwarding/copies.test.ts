/** A message to a group whose members are users of another node. */
import { expect, it, onTestFinished } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { shardOf } from '../../src/runtime/index.ts'
import { cluster, type Member, person, shards, userOf } from './nodes.ts'

/** So many users whose actors are on that node. */
function usersOf({ node }: Member, count: number): string[] {
  const own = node.cluster()?.shards ?? []
  return Array.from({ length: count }, (_, n) => userOf(own[n % own.length] as number, Math.floor(n / own.length)))
}
const sentTo = (from: Member, to: Member) =>
  from.node.cluster()?.nodes.find(({ name }) => name === to.name)?.sent.bytes ?? 0
const bytes = 8_000
const body = (n: number) => String(n).padEnd(bytes, 'x')

it('goes to that node once, and not once for each of them, and each gets it once and in its order', async () => {
  const start = await cluster({}, 60_000)
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => b.node.cluster()?.shards.length).toBeGreaterThan(0)
  const members = usersOf(b, 24)
  const people = members.map((name) => person(name, b))
  const [by = ''] = usersOf(a, 1)
  // Its own actor is on the node of who sends.
  let id = ''
  do id = crypto.randomUUID()
  while (!a.node.cluster()?.shards.includes(shardOf(`#${id}`, shards)))
  const group = await a.node.createGroup({ by, name: 'all', members, id })
  await expect.poll(() => people.map(({ got }) => got.length)).toEqual(people.map(() => 1))
  const before = [sentTo(a, b), sentTo(b, a)]
  for (let n = 0; n < 5; n++) await a.node.send({ from: by, to: group, body: body(n) })
  await expect.poll(() => people.map(({ got }) => got.length)).toEqual(people.map(() => 6))
  const bodies = [0, 1, 2, 3, 4].map(body)
  for (const { got } of people) expect(got.slice(1).map(({ body }) => body)).toEqual(bodies)
  const most = Math.max(sentTo(a, b) - (before[0] as number), sentTo(b, a) - (before[1] as number))
  expect(most).toBeGreaterThan(5 * bytes)
  expect(most).toBeLessThan(3 * 5 * bytes)
})

it('of what is sealed each member, on whatever node, gets what is sealed for them', async () => {
  const start = await cluster({ e2ee: 'allowed' }, 60_000)
  const [a, b] = [await start('a'), await start('b')]
  await expect.poll(() => b.node.cluster()?.shards.length).toBeGreaterThan(0)
  // Wherever the group is, two at least who get a copy are elsewhere.
  const names = [...usersOf(a, 3), ...usersOf(b, 2)]
  const [read, unread]: [string[], unknown[]] = [[], []]
  const clients = names.map((token) => connect({ url: a.url, token, e2ee: e2ee() }))
  onTestFinished(() => Promise.all(clients.map((client) => client.close())).then(() => {}))
  for (const [at, client] of clients.entries()) {
    client.e2ee?.on('unreadable', (event) => void unread.push(event))
    await client.e2ee?.place()
    void (async () => {
      for await (const { change, body } of client.messages()) if (!change) read.push(`${names[at]}: ${body}`)
    })().catch(() => {})
  }
  const [by] = clients
  const group = (await by?.createGroup('team', names.slice(1))) ?? ''
  await by?.send(group, 'hello')
  const all = names.slice(1).map((name) => `${name}: hello`)
  await expect.poll(() => [unread, read.toSorted()], { timeout: 60_000 }).toEqual([[], all.toSorted()])
})
