/** The folder of a node goes back to an earlier copy: nobody who holds a place of what is lost goes on as if nothing had happened. */
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Client, connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import { createNode, lmdbStore } from '../../src/index.ts'

type Frame = unknown[]
let root: string
let node: ReturnType<typeof createNode> | undefined
let url: string
const clients: Client[] = []

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'bluetick-putback-'))
  await start()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await stop()
  rmSync(root, { recursive: true })
})
const data = () => join(root, 'data')
async function start(): Promise<void> {
  node = createNode({ store: lmdbStore(data()) })
  url = (await node.listen({ port: 0 })).url
}
async function stop(): Promise<void> {
  await node?.close()
  node = undefined
}
/** Copies the folder of the node, which is stopped for that. */
async function save(): Promise<void> {
  await stop()
  cpSync(data(), join(root, 'saved'), { recursive: true })
  await start()
}
/** The folder is put in the place of the node's. */
async function putBack(): Promise<void> {
  await stop()
  rmSync(data(), { recursive: true })
  cpSync(join(root, 'saved'), data(), { recursive: true })
  await start()
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

it('tells a device that has more than the folder, though its log has grown past that again', async () => {
  await write('one')
  await save()
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
})

it('with the SDK: a gap is told, and what was accepted meanwhile comes', async () => {
  await write('one')
  await save()
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
  await expect.poll(() => after.connection.is, { timeout: 5_000 }).toBe('online')
  expect(gaps).toEqual(['reset'])
  expect(await take(after, 4)).toEqual(['one', 'two', 'three', 'four'])
})
