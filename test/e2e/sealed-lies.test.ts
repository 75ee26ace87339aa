/** A server that lies about where a sealed message stands, and clients of which a part cannot be loaded. */
import { afterEach, expect, it, vi } from 'vitest'
import { type Line, openBook } from '../../src/client/chats/index.ts'
import { e2eeWith } from '../../src/client/e2ee/e2ee.ts'
import type { Later } from '../../src/client/e2ee/engine.ts'
import * as groups from '../../src/client/e2ee/in-groups.ts'
import * as linking from '../../src/client/e2ee/in-linking.ts'
import * as media from '../../src/client/e2ee/in-media.ts'
import * as repairs from '../../src/client/e2ee/in-repairs.ts'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { plainPrimitives } from '../../src/client/e2ee/plain.ts'
import type { E2ee, Unread } from '../../src/client/e2ee/types.ts'
import { type Client, connect, memoryStorage } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { body as bodyOf, forms } from '../../src/protocol/keys/parts.ts'
import { isQuiet, isSealed } from '../../src/protocol/sealed.ts'
import { type Changed, through } from '../client/e2ee/spoilt.ts'
import { node, start, url } from './nodes.ts'
import { endAll, ending } from './sealing.ts'

afterEach(async () => {
  vi.useRealTimers()
  await endAll()
})

const patient = { timeout: 60_000 }

/** A device, which reads all that comes. */
class Device {
  readonly client: Client
  readonly got: string[] = []
  readonly unread: Unread[] = []

  constructor(user: string, keys: E2ee, transport: Transport = webSocketTransport) {
    const given = { url, token: user, device: 'phone', storage: memoryStorage() }
    this.client = ending(connect({ ...given, transport, e2ee: keys }))
    keys.on('unreadable', (event) => void this.unread.push(event))
    void this.#read()
  }

  async #read(): Promise<void> {
    for await (const { chat, from, body, change } of this.client.messages())
      this.got.push(`${chat} ${from}: ${change ?? ''}${change ? ' ' : ''}${body}`)
  }
}

async function enter(user: string, changed?: Changed): Promise<Device> {
  const device = new Device(user, e2ee(), changed && through(changed))
  await device.client.e2ee?.place()
  return device
}
const isText = (frame: ServerFrame, from: string) =>
  frame[0] === 'message' && frame[3] === from && isSealed(frame[5]) && !isQuiet(frame[5])
const withItems = (frame: ServerFrame, items: Record<number, unknown>) =>
  Object.assign([...frame], items) as unknown as ServerFrame

it('what was for one chat is not said again for another', async () => {
  await start({ e2ee: 'allowed' })
  let group = ''
  let answers = 0
  const changed = (frame: ServerFrame) => {
    if (frame[0] !== 'message' || frame[3] !== 'alice' || !isSealed(frame[5])) return frame
    if (isQuiet(frame[5])) answers += 1
    return group && isText(frame, 'alice') && !frame[7] ? withItems(frame, { 7: { group, epoch: 1, at: 99 } }) : frame
  }
  const [alice, bob] = [await enter('alice'), await enter('bob', changed)]
  group = await alice.client.createGroup('team', ['bob'])
  const { id } = await alice.client.send('bob', 'for you alone')
  await expect.poll(() => bob.unread.map((event) => [event.id, event.chat]), patient).toEqual([[id, group]])
  await expect.poll(() => answers, patient).toBe(1)
  await alice.client.send(group, 'hello all')
  await expect.poll(() => bob.got, patient).toContain(`${group} alice: hello all`)
  expect(bob.got).toEqual([`${group} alice: add bob`, `${group} alice: hello all`])
})

it('what was sent before somebody was added is not said to them, whatever the server says of the order', async () => {
  await start({ e2ee: 'allowed' })
  let secret = ''
  const earlier = (frame: ServerFrame) => {
    if (frame[0] !== 'message' || frame[7]?.change !== 'add' || frame[3] !== 'bob') return frame
    return withItems(frame, { 7: { ...frame[7], at: 3 } })
  }
  /** What Alice says to Carol in the group comes as if it were the message of before, without a part. */
  const asked = (frame: ServerFrame) =>
    frame[0] === 'message' && isText(frame, 'alice') && frame[7] && !frame[7].change
      ? withItems(frame, { 2: secret, 5: bodyOf({}, forms.told, 'phone') })
      : frame
  const [alice, bob, carol] = [await enter('alice', earlier), await enter('bob'), await enter('carol', asked)]
  const group = await alice.client.createGroup('team', ['bob'])
  await alice.client.send(group, 'bob', { change: 'promote' })
  await expect.poll(() => bob.got, patient).toContain(`${group} alice: promote bob`)
  ;({ id: secret } = await alice.client.send(group, 'said long before'))
  // Only the date: an hour later.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
  await bob.client.send(group, 'carol', { change: 'add' })
  await expect.poll(() => alice.got, patient).toContain(`${group} bob: add carol`)
  await alice.client.send(group, 'hello carol')
  await expect.poll(() => carol.unread.at(-1), patient).toMatchObject({ id: secret, why: 'not_kept', retrying: false })
  expect(carol.got).toEqual([`${group} bob: add carol`])
})

it('what was sent while somebody was being added is said to them', async () => {
  await start({ e2ee: 'allowed' })
  const held: ServerFrame[] = []
  let isHolding = false
  let release = () => {}
  /** Answers come, and entries only later. */
  const late: Transport = (at, subprotocol, events) => {
    release = () => {
      isHolding = false
      events.heard(jsonCodec.encode(held.splice(0)))
    }
    const changed = (frame: ServerFrame) => (isHolding && frame[0] === 'message' ? void held.push(frame) : frame)
    return through(changed)(at, subprotocol, events)
  }
  const alice = new Device('alice', e2ee(), late)
  await alice.client.e2ee?.place()
  const [bob, carol] = [await enter('bob'), await enter('carol')]
  const group = await alice.client.createGroup('team', ['bob'])
  await alice.client.send(group, 'bob', { change: 'promote' })
  await expect.poll(() => bob.got, patient).toContain(`${group} alice: promote bob`)
  await expect.poll(() => alice.client.connection.is, patient).toBe('online')
  isHolding = true
  await bob.client.send(group, 'carol', { change: 'add' })
  await alice.client.send(group, 'hello')
  await expect.poll(() => held.length, patient).toBeGreaterThan(0)
  release()
  await expect.poll(() => carol.got, patient).toEqual([`${group} bob: add carol`, `${group} alice: hello`])
})

it('what could not be loaded is loaded with the next connection: nothing is lost, and nobody waits for ever', async () => {
  await start({ e2ee: 'allowed' })
  let failures = 1
  const load = async () => {
    if (failures-- > 0) throw new Error('offline')
    return groups
  }
  const later: Later = {
    groups: load,
    linking: async () => linking,
    media: async () => media,
    repairs: async () => repairs,
    plain: async () => plainPrimitives,
  }
  const alice = await enter('alice')
  const bob = new Device('bob', e2eeWith(later)())
  await bob.client.e2ee?.place()
  const group = await alice.client.createGroup('team', ['bob'])
  await expect.poll(() => bob.got, patient).toEqual([`${group} alice: add bob`])
  failures = 1
  const carol = new Device('carol', e2eeWith(later)())
  await carol.client.e2ee?.place()
  await alice.client.send(group, 'carol', { change: 'add' })
  expect((await carol.client.send(group, 'hi', { timeout: 60_000 })).sealed).toBe(true)
})

it('the first keys are never others in the place of some that another device has made meanwhile', async () => {
  await start({ e2ee: 'allowed' })
  const first = () => false
  const [desk, phone] = [e2ee({ first }), e2ee({ first })]
  const open = (device: string, keys: E2ee) => {
    const _client = ending(connect({ url, token: 'zoe', device, storage: memoryStorage(), e2ee: keys }))
  }
  open('desk', desk)
  open('phone', phone)
  expect([await desk.place(), await phone.place()]).toEqual(['unlinked', 'unlinked'])
  expect(await desk.begin()).toBe('linked')
  expect(await phone.begin()).toBe('unlinked')
  expect((await desk.identity('zoe')).devices).toEqual(['desk'])
})

it('a book says in the chat whom the server lets in', async () => {
  await start({ e2ee: 'allowed' })
  const alice = await enter('alice')
  const bob = ending(connect({ url, token: 'bob', storage: memoryStorage(), e2ee: e2ee() }))
  await bob.e2ee?.place()
  const book = await openBook(bob, 'bob')
  const lines: Line[] = []
  book.on('lines', (more) => void lines.push(...more))
  const group = await alice.client.createGroup('team', ['bob'])
  await expect.poll(() => lines.map(({ change }) => change), patient).toEqual(['add'])
  await node.changeGroup({ by: 'alice', group, change: 'add', value: 'mallory' })
  const note = { is: 'group', why: 'unsealed', users: ['mallory'] }
  await expect.poll(() => lines.flatMap((line) => line.note ?? []), patient).toEqual([note])
  expect(lines.at(-1)).toMatchObject({ chat: group })
  book.close()
})
