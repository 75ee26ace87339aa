/** Nodes of a cluster on virtual time: how long somebody waits while a shard moves, in round trips and not in milliseconds of a machine. */
import { afterEach, expect, it, vi } from 'vitest'
import type { Phone } from './nodes/phone.ts'
import { type Home, isMoving, shardsOf, Town, took } from './nodes/town.ts'

vi.mock('../../src/cluster/link/grpc.ts', () => import('./nodes/wires.ts'))

let town: Town
afterEach(() => town.end())

/**
 * Of who writes to a user at the worst moment: what is being written of that user lands, and then what goes along with it; shards that go wait
 * for each other for 20 ms; the row changes; the log is loaded; the message is written. With the hops between.
 */
const mostMs = 2 * took.call + 20 + took.change + took.load + took.call + 12 * took.hop

/** Each writes to the next, on whatever nodes they are. */
function circle(homes: readonly Home[], count: number, restMs: number): Phone[] {
  const phones = Array.from({ length: count }, (_, n) => town.phone(`u${n}`, homes[n % homes.length] as Home))
  for (const [n, phone] of phones.entries()) Object.assign(phone, { friends: [`u${(n + 1) % count}`], restMs })
  return phones
}

/** All is with whom it was for, once and in its order. `groups`: who is in them. */
async function whole(
  phones: readonly Phone[],
  groups: Readonly<Record<string, readonly string[]>> = {},
): Promise<void> {
  for (const phone of phones) phone.friends = []
  await town.until(() => phones.every(({ isIdle }) => isIdle))
  const due = phones.map(({ user }) => {
    const chats: Record<string, string[]> = {}
    for (const from of phones)
      for (const { to, body } of from.sent) {
        const chat = to === user ? from.user : from.user !== user && groups[to]?.includes(user) ? to : undefined
        if (chat) chats[chat] = [...(chats[chat] ?? []), body]
      }
    return chats
  })
  const count = (chats: Record<string, string[]>) => Object.values(chats).flat().length
  await town.until(() => phones.every(({ got }, n) => count(got) >= count(due[n] ?? {})), 60_000)
  expect(phones.map(({ got }) => got)).toEqual(due)
  expect(phones.map(({ code }) => code)).toEqual(phones.map(() => null))
}

const longest = (phones: readonly Phone[]): number =>
  Math.max(...phones.flatMap(({ sent }) => sent.map(({ ms }) => ms)))

/** A node comes, and has its shards. */
async function joins(name: string, ...others: readonly Home[]): Promise<Home> {
  const home = await town.start(name)
  const [least] = [Math.min(...others.map((other) => shardsOf(other).length))]
  await town.until(() => shardsOf(home).length >= (least * others.length) / (others.length + 1) / 1.2)
  await town.until(() => ![home, ...others].some(isMoving))
  await town.pass(2_000)
  return home
}

it.each([
  ['all the time', 50],
  ['now and then', 1_500],
])('while shards move, who writes %s waits for the round trips that it takes, and for no clock', async (_, restMs) => {
  town = await Town.begin()
  const a = await town.start('a')
  const phones = circle([a], 24, restMs)
  await town.pass(4_000)
  const before = longest(phones)
  const b = await joins('b', a)
  expect(phones.filter(({ user }) => shardsOf(b).includes(town.shardOf(user))).length).toBeGreaterThan(5)
  console.log(`at rest ${before} ms, while shards moved ${longest(phones)} ms, of at most ${mostMs}`)
  expect(longest(phones)).toBeLessThanOrEqual(mostMs)
  await whole(phones)
})

it('a group that goes with its members waits for none of them', async () => {
  town = await Town.begin(8)
  const a = await town.start('a')
  const phones = circle([a], 12, 200)
  const groups: Record<string, string[]> = {}
  for (const [n, phone] of phones.entries()) {
    const members = phones.map(({ user }) => user as string)
    const id = await town.answer(
      a.hosts.node.createGroup({ by: phone.user, name: 'Team', members: members.filter((_, at) => at !== n) }),
    )
    groups[id] = members
    phone.friends = [...phone.friends, id]
  }
  await town.pass(2_000)
  const b = await joins('b', a)
  const went = Object.keys(groups).filter((id) => shardsOf(b).includes(town.shardOf(id)))
  expect(went.length).toBeGreaterThan(0)
  console.log(`with groups ${longest(phones)} ms`)
  // A group has its record, too, and what came since that; and its note before the first message.
  expect(longest(phones)).toBeLessThanOrEqual(mostMs + 6 * took.call)
  await whole(phones, groups)
})

it('who goes with a node that dies is shown online no 40 s longer, and who writes to them waits until it counts as dead', async () => {
  town = await Town.begin()
  const a = await town.start('a')
  const b = await joins('b', a)
  const c = await joins('c', a, b)
  const names = Array.from({ length: 500 }, (_, n) => `u${n}`)
  const homed = (home: Home) => names.filter((name) => shardsOf(home).includes(town.shardOf(name)))
  // Their actors are on each of the nodes, and they come by the one that dies.
  const goers = [a, b, c].map((home) => homed(home)[0] as string)
  const watchers = [a, c].map((home) => town.phone(homed(home)[1] as string, home))
  for (const name of goers) town.phone(name, b)
  await town.until(() => town.phones.every(({ welcomed }) => welcomed))
  for (const watcher of watchers) {
    for (const name of goers) watcher.watch(name)
    Object.assign(watcher, { friends: goers, restMs: 200 })
  }
  const shown = () => watchers.map(({ seen }) => goers.map((name) => seen[name]))
  const all = (is: boolean) => watchers.map(() => goers.map(() => is))
  await town.until(() => shown().flat().every(Boolean) && shown().flat().length === 6)
  const knows = (home: Home) => town.answer(home.hosts.node.online())
  expect((await knows(a)).users).toEqual(expect.arrayContaining(goers))
  const died = town.time.now
  town.kill(b)
  await town.until(
    () =>
      shown()
        .flat()
        .every((online) => online === false),
    40_000,
  )
  console.log(`who went with a node was shown online for ${town.time.now - died} ms more`)
  expect(shown()).toEqual(all(false))
  await town.until(() => shardsOf(a).length + shardsOf(c).length === 128, 40_000 - (town.time.now - died))
  for (const home of [a, c]) {
    expect(await knows(home)).toEqual({ users: watchers.map(({ user }) => user as string).sort(), count: 2 })
    for (const name of goers) expect(await town.answer(home.hosts.node.sessions(name))).toEqual([])
  }
  // 13 s without a beat, which may be 3 s old; a second until it is read, and what a move takes until its shards are others'.
  console.log(`who wrote to them waited for ${longest(watchers)} ms`)
  expect(longest(watchers)).toBeLessThanOrEqual(17_000 + mostMs)
  expect(watchers.map(({ code }) => code)).toEqual([null, null])
})

it('a node that leaves gives all of its shards, and who writes waits for no more than where one comes', async () => {
  town = await Town.begin()
  const a = await town.start('a')
  const b = await joins('b', a)
  const c = await joins('c', a, b)
  const phones = circle([a, c], 24, 50)
  await town.pass(2_000)
  await town.answer(b.hosts.cluster?.leave() as Promise<void>)
  await town.until(() => shardsOf(a).length + shardsOf(c).length === 128)
  console.log(`while a node left ${longest(phones)} ms, of at most ${mostMs}`)
  expect(longest(phones)).toBeLessThanOrEqual(mostMs)
  await whole(phones)
})

it.each([
  ['the store', () => true],
  ['the rows of their leases', (name: string) => name === 'renew'],
])('nodes that do not reach %s answer nothing more, close nobody, and go on when they reach it', async (_, fails) => {
  town = await Town.begin()
  const a = await town.start('a')
  const b = await joins('b', a)
  const phones = circle([a, b], 24, 50)
  await town.pass(2_000)
  town.fails = fails
  await town.pass(11_000)
  expect([a, b].map(({ hosts }) => hosts.cluster?.standing)).toEqual(['suspended', 'suspended'])
  const sent = () => phones.map((phone) => phone.sent.length)
  const before = sent()
  await town.pass(20_000)
  expect([sent(), phones.map(({ code }) => code)]).toEqual([before, phones.map(() => null)])
  town.fails = () => false
  await town.until(() => sent().every((count, n) => count > (before[n] as number)), 30_000)
  await whole(phones)
})
