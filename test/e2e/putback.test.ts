/** The folder of a node goes back to an earlier copy: nobody who holds a place of what is lost goes on as if nothing had happened. */
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Client, connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import { createNode, lmdbStore } from '../../src/index.ts'
import { backUpStore } from '../../src/store/lmdb/backup.ts'
import { freePort } from '../ports.ts'

type Frame = unknown[]
let root: string
let node: ReturnType<typeof createNode> | undefined
let url: string
let port = 0
const clients: Client[] = []
const faults: string[] = []

beforeEach(async () => {
  port = await freePort()
  root = mkdtempSync(join(tmpdir(), 'bluetick-putback-'))
  await start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await stop()
  rmSync(root, { recursive: true })
})
const data = () => join(root, 'data')
async function start(store = lmdbStore(data())): Promise<void> {
  faults.length = 0
  node = createNode({ store, onFault: ({ where }) => void faults.push(where) })
  url = (await node.listen({ port })).url
}
async function stop(): Promise<void> {
  await node?.close()
  node = undefined
}
/** Copies the folder of the node, which is stopped for that and starts again; or, as a snapshot does, while it runs. */
async function save(how: 'stopped' | 'running' = 'stopped'): Promise<void> {
  if (how === 'running') return backUpStore(data(), join(root, 'saved'))
  await stop()
  cpSync(data(), join(root, 'saved'), { recursive: true })
  await start()
}
/** The folder is put in the place of the node's. */
async function putBack(store?: ReturnType<typeof lmdbStore>): Promise<void> {
  await stop()
  rmSync(data(), { recursive: true })
  cpSync(join(root, 'saved'), data(), { recursive: true })
  await start(store)
}
/** A store whose first page is such that an actor crashes on it. */
function crashing(): ReturnType<typeof lmdbStore> {
  const store = lmdbStore(data())
  const read = store.read.bind(store)
  const pages = [Promise.resolve([null as never])]
  return Object.assign(store, { read: (...asked: Parameters<typeof read>) => pages.pop() ?? read(...asked) })
}
const write = async (...bodies: string[]) => {
  for (const body of bodies) await node?.send({ from: 'carol', to: 'bob', body })
}

/** A device without the SDK: what it gets, and its welcome. */
async function raw(user: string, ...cursor: unknown[]) {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  const frames: Frame[] = []
  socket.on('message', (lines) => {
    for (const line of String(lines).split('\n')) frames.push(JSON.parse(line))
  })
  const closed = once(socket, 'close').then(([code]) => code as number)
  await once(socket, 'open')
  const say = (...frame: Frame) => socket.send(JSON.stringify(frame))
  say('hello', user, 'phone', ...cursor)
  const of = (kind: string) => frames.filter((frame) => frame[0] === kind)
  return { say, of, closed, close: () => socket.close() }
}

function enter(user: string, storage: Storage = memoryStorage()): Client {
  const client = connect({ url, token: user, device: 'phone', storage })
  clients.push(client)
  return client
}
async function leave(client: Client): Promise<void> {
  clients.splice(clients.indexOf(client), 1)
  await client.close()
}
/** A closed memoryStorage may be read, not opened again. */
async function copyOf(storage: Storage): Promise<Storage> {
  const copy = memoryStorage()
  await copy.write(new Map(await storage.load()))
  return copy
}
/** Messages until there are so many. */
async function take(client: Client, count: number): Promise<string[]> {
  const bodies: string[] = []
  for await (const { body } of client.messages()) if (bodies.push(String(body)) === count) break
  return bodies
}

const ways = ['stopped', 'running'] as const

it.each(ways)(
  '%s: tells a device that has more than the folder, though its log has grown past that again',
  async (how) => {
    await write('one')
    await save(how)
    await write('lost', 'lost too', 'lost as well')
    const before = await raw('bob', 0, 0)
    await expect.poll(() => before.of('live')).toHaveLength(1)
    const [, , , epoch, , tail, , , , , life] = before.of('welcome')[0] as Frame
    before.say('ack', tail)
    before.close()
    await before.closed
    await putBack()
    await write('two', 'three', 'four')
    const after = await raw('bob', epoch, tail, false, life)
    await expect.poll(() => after.of('live')).toHaveLength(1)
    const [, , , renamed, seq, , resumed, , , why] = after.of('welcome')[0] as Frame
    expect(renamed).not.toBe(epoch)
    expect({ seq, resumed, why, got: after.of('message').map((frame) => frame[5]) }).toEqual({
      seq: 0,
      resumed: false,
      why: 'reset',
      got: ['one', 'two', 'three', 'four'],
    })
    after.close()
  },
)

it('tells a device also where its actor crashes between the finding and the telling', async () => {
  await write('one')
  await save()
  await write('lost', 'lost too')
  const before = await raw('bob', 0, 0)
  await expect.poll(() => before.of('live')).toHaveLength(1)
  const [, , , epoch, , tail, , , , , life] = before.of('welcome')[0] as Frame
  before.close()
  await before.closed
  await putBack(crashing())
  const after = await raw('bob', epoch, tail, false, life)
  await expect.poll(() => after.of('live')).toHaveLength(1)
  expect(after.of('welcome').map(([, , , renamed, seq, , , , , why]) => [renamed !== epoch, seq, why])).toEqual([
    [true, 0, 'reset'],
  ])
  expect([faults, after.of('message').map((frame) => frame[5])]).toEqual([['actor'], ['one']])
  after.close()
})

it.each(ways)('%s: with the SDK a gap is told, and what was accepted meanwhile comes', async (how) => {
  await write('one')
  await save(how)
  await write('lost', 'lost too', 'lost as well')
  const storage = memoryStorage()
  const before = enter('bob', storage)
  expect(await take(before, 4)).toHaveLength(4)
  await leave(before)
  await putBack()
  await write('two', 'three', 'four')
  const after = enter('bob', await copyOf(storage))
  const gaps: unknown[] = []
  after.on('gap', ({ why }) => gaps.push(why))
  await expect.poll(() => after.connection.is).toBe('online')
  expect(gaps).toEqual(['reset'])
  expect(await take(after, 4)).toEqual(['one', 'two', 'three', 'four'])
})

it.each(ways)(
  '%s: what was sent and lost comes again from its sender, in order, and has no tick before it is there',
  async (how) => {
    const storage = memoryStorage()
    const before = enter('alice', storage)
    await before.send('bob', 'kept')
    await save(how)
    await expect.poll(() => before.connection.is).toBe('online')
    for (const body of ['lost', 'lost too']) await before.send('bob', body)
    await leave(before)
    await putBack()
    // Their places are taken.
    await write('one', 'two', 'three')
    const got: string[] = []
    const bob = enter('bob')
    const reading = (async () => {
      for await (const { body } of bob.messages()) got.push(String(body))
    })()
    await expect.poll(() => got).toEqual(['kept', 'one', 'two', 'three'])
    const early: string[] = []
    const alice = enter('alice', await copyOf(storage))
    alice.on('message', ({ state, body }) => {
      if (state === 'delivered' && !got.includes(String(body))) early.push(String(body))
    })
    const last = await alice.send('bob', 'new')
    await alice.reached(last.id, 'delivered')
    await expect.poll(() => got).toEqual(['kept', 'one', 'two', 'three', 'lost', 'lost too', 'new'])
    await expect
      .poll(async () => (await alice.outbox()).map(({ body, state, at }) => [body, state, at?.seq]))
      .toEqual([
        ['kept', 'delivered', 1],
        ['lost', 'delivered', 5],
        ['lost too', 'delivered', 6],
        ['new', 'delivered', 7],
      ])
    expect(early).toEqual([])
    await leave(bob)
    await reading
  },
)

it('a group: what was said and lost comes again, also where the group itself is lost', async () => {
  const storage = memoryStorage()
  const before = enter('alice', storage)
  const old = await before.createGroup('Old', ['bob'])
  await save()
  await expect.poll(() => before.connection.is).toBe('online')
  await before.send(old, 'lost in the old')
  const young = await before.createGroup('Young', ['bob'])
  await before.send(young, 'lost in the young')
  await leave(before)
  await putBack()
  enter('alice', await copyOf(storage))
  // With what says that bob was added.
  const got = await take(enter('bob'), 4)
  expect(got.filter((body) => body.startsWith('lost')).sort()).toEqual(['lost in the old', 'lost in the young'])
})

it('a log that its owner found to be put back: what was sent to it and stands keeps its ticks, under the new name', async () => {
  const [storage, more] = [memoryStorage(), memoryStorage()]
  const [alice, bob] = [enter('alice', more), enter('bob', storage)]
  const kept = await alice.send('bob', 'kept')
  await save()
  await write('lost')
  await take(bob, 2)
  await leave(bob)
  await leave(alice)
  await putBack()
  const back = enter('alice', await copyOf(more))
  await expect.poll(() => back.connection.is).toBe('online')
  const again = enter('bob', await copyOf(storage))
  for await (const { body, read } of again.messages()) {
    if (body === 'kept') read()
    break
  }
  await back.reached(kept.id, 'read')
})

it.each(ways)(
  '%s: a program that was in the middle of messages that are lost gets those that stand in their places',
  async (how) => {
    await write('one')
    const bob = enter('bob')
    const got: string[] = []
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const reading = (async () => {
      for await (const { body } of bob.messages()) {
        got.push(String(body))
        if (body === 'lost') await held
      }
    })()
    await expect.poll(() => got).toEqual(['one'])
    await save(how)
    await write('lost', 'lost too')
    await expect.poll(() => got).toEqual(['one', 'lost'])
    const back = new Promise<void>((resolve) => bob.on('connection', ({ is }) => is === 'online' && resolve()))
    await putBack()
    await write('two', 'three')
    // It comes back while it holds what was lost: its cursor is of what stands, and only what it has seen beyond tells.
    await back
    goOn()
    await expect.poll(() => got.slice(-3)).toEqual(['one', 'two', 'three'])
    await leave(bob)
    await reading
  },
)
