/** Pictures, files and long texts in sealed messages: clients of the SDK, over a real node. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { Layout } from '../../src/client/e2ee/chunks.ts'
import { type Attachment, connect } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import { fileMedia, lmdbStore, type NodeOptions } from '../../src/index.ts'
import { uploadHolder } from '../../src/media/media.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { sentBody } from '../../src/protocol/keys/parts.ts'
import { type Changed, spoilt } from '../client/e2ee/spoilt.ts'
import { idOf, png } from '../contracts/media.ts'
import { node, start as startNode, url } from './nodes.ts'
import { enter as enterRaw } from './raw.ts'
import { closeClients, endAll, ending, type Given, letIn, type Sealing, sealing } from './sealing.ts'

const patient = { timeout: 60_000 }
let folder: string
let media: ReturnType<typeof fileMedia>
afterEach(async () => {
  vi.restoreAllMocks()
  await endAll()
})

async function start(options: Partial<NodeOptions> = {}): Promise<void> {
  const made = mkdtempSync(join(tmpdir(), 'bluetick-sealed-media-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  folder = made
  media = fileMedia(join(folder, 'media'))
  await startNode({ e2ee: 'allowed', store: lmdbStore(join(folder, 'data')), media, ...options })
}

/** A device, which reads all that comes. */
class Device {
  readonly client: Sealing
  readonly got: { body: unknown; media: Attachment | null; sealed: unknown }[] = []
  /** By id, what this user has sent. */
  readonly #own = new Map<string, { body: unknown; media: Attachment | null }>()

  constructor(user: string, given: Given) {
    this.client = sealing(user, given)
    this.client.on('message', ({ id, body, media }) => void this.#own.set(id, { body, media }))
    void this.#read()
  }

  get own() {
    return [...this.#own.values()]
  }

  async #read(): Promise<void> {
    for await (const { body, media, sealed, change } of this.client.messages())
      if (!change) this.got.push({ body, media, sealed })
  }

  /** What came, once it is so much. */
  async has(count: number) {
    await expect.poll(() => this.got.length, patient).toBe(count)
    return this.got[count - 1] as Device['got'][number]
  }

  async content({ media }: { readonly media: Attachment | null }): Promise<Uint8Array> {
    return new Uint8Array(await (await this.client.download(media?.id ?? '')).arrayBuffer())
  }
}
async function enter(user: string, given: Given = {}): Promise<Device> {
  const device = new Device(user, given)
  await device.client.e2ee.place()
  return device
}
async function link(user: string, by: Device, given: Given): Promise<Device> {
  const device = await enter(user, given)
  await letIn(device.client, by.client)
  return device
}

/** All files of a folder, as one text. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
const kept = () => filesIn(join(folder, 'media', 'files'))
const forms = (bytes: Uint8Array) =>
  (['latin1', 'hex', 'base64', 'base64url'] as const).map((form) => Buffer.from(bytes).toString(form))

it('a picture comes to all devices as it was, and neither files nor wires have its bytes, its small picture, its type, its name or its key', async () => {
  const accepted: unknown[] = []
  await start()
  let wire = ''
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    wire += String(input) + JSON.stringify(init?.headers ?? {})
    if (init?.body instanceof Blob) wire += Buffer.from(await init.body.arrayBuffer()).toString('latin1')
    return real(input, init)
  })
  const tapped: Transport = (at, subprotocol, events) => {
    const connection = webSocketTransport(at, subprotocol, {
      opened: () => events.opened(),
      lost: (...why) => events.lost(...why),
      heard: (data) => {
        wire += data
        for (const frame of jsonCodec.decode(data) as ServerFrame[]) if (frame[0] === 'message') accepted.push(frame[6])
        events.heard(data)
      },
    })
    const send = (data: string | Uint8Array) => {
      wire += data
      connection.send(data)
    }
    return { send, close: (...why) => connection.close(...why) }
  }
  const transport = tapped
  const [alice, bob] = [await enter('alice', { transport }), await enter('bob', { transport })]
  const tablet = await link('alice', alice, { device: 'tablet', transport })
  const canary = randomBytes(64)
  const [picture, preview] = [Buffer.concat([png(''), randomBytes(150_000), canary]), randomBytes(64)]
  const told: { done: number; total: number }[] = []
  const medium = await alice.client.upload(picture, { onProgress: (now) => told.push(now) })
  expect(medium).toMatchObject({ size: picture.length, type: 'image/png' })
  expect(told.at(-1)).toEqual({ done: picture.length, total: picture.length })
  await alice.client.send('bob', 'holiday.png', { media: { ...medium, preview } })
  const message = await bob.has(1)
  expect(message).toMatchObject({ body: 'holiday.png', sealed: true, media: { ...medium } })
  expect(Buffer.from(message.media?.preview ?? []).equals(preview)).toBe(true)
  const blob = await bob.client.download(message.media?.id ?? '')
  expect([blob.type, idOf(await bob.content(message))]).toEqual(['image/png', idOf(picture)])
  await expect.poll(() => tablet.own, patient).toMatchObject([{ body: 'holiday.png', media: { id: medium.id } }])
  expect(idOf(await tablet.content(tablet.own[0] as Device['own'][0]))).toBe(idOf(picture))
  const [id, rest = ''] = medium.id.split('#')
  expect(accepted).toEqual([{ media: id, type: 'application/octet-stream', size: expect.any(Number) }])
  // Who has it may say it to others.
  await bob.client.send('alice', 'forwarded', { media: message.media as Attachment })
  expect(idOf(await alice.content(await alice.has(1)))).toBe(idOf(picture))
  // What was not sealed is found.
  const shown = Buffer.concat([png(''), randomBytes(64)])
  const carol = ending(connect({ url, token: 'carol' }))
  await carol.upload(shown)
  await closeClients()
  await node.close()
  const files = filesIn(folder)
    .map((path) => readFileSync(path).toString('latin1'))
    .join()
  const opens = Buffer.from(rest.slice(0, 44), 'base64url').subarray(1)
  const secrets = [canary, preview, opens, Buffer.from('holiday.png')].flatMap(forms)
  expect(secrets.filter((secret) => files.includes(secret) || wire.includes(secret))).toEqual([])
  expect([files, wire].map((text) => text.includes(shown.toString('latin1')))).toEqual([true, true])
}, 180_000)

it('what a server says of media counts for nothing: what is sealed does; and other bytes are not given out', async () => {
  await start()
  const plain = { media: '0'.repeat(64), type: 'image/png', size: 3 }
  const said = [plain, null, plain]
  const lies: Changed = (frame) =>
    frame[0] === 'message' ? (Object.assign([...frame], { 6: said.shift() }) as unknown as typeof frame) : frame
  const [alice, bob] = [await enter('alice'), await enter('bob', { changed: lies })]
  const content = Buffer.concat([png(''), randomBytes(70_000)])
  const medium = await alice.client.upload(content)
  for (let n = 0; n < 2; n++) await alice.client.send('bob', `look ${n}`, { media: medium })
  await alice.client.send('bob', 'nothing to see')
  await bob.has(3)
  expect(bob.got.map(({ media }) => media?.id ?? null)).toEqual([medium.id, medium.id, null])
  expect(idOf(await bob.content(bob.got[1] as Device['got'][0]))).toBe(idOf(content))
  const [path = ''] = kept()
  const bytes = readFileSync(path)
  for (const at of [0, 66_000, bytes.length - 1]) {
    writeFileSync(path, bytes.with(at, (bytes[at] as number) ^ 1))
    await expect(bob.client.download(medium.id)).rejects.toMatchObject({ code: 'wrong_hash' })
  }
  // One that is made up is of no form that could be taken for another.
  await expect(bob.client.download(`${medium.id}x y`)).rejects.toMatchObject({ code: 'wrong_hash' })
}, 180_000)

it('a message with a picture that could not be read is said again with it', async () => {
  await start()
  const [alice, bob] = [await enter('alice'), await enter('bob', { changed: (frame) => spoilt(frame) })]
  const content = Buffer.concat([png(''), randomBytes(1_000)])
  const medium = { ...(await alice.client.upload(content)), preview: new Uint8Array(randomBytes(20)) }
  await alice.client.send('bob', 'look', { media: medium })
  const message = await bob.has(1)
  expect(message).toMatchObject({ body: 'look', sealed: true, media: medium })
  expect(idOf(await bob.content(message))).toBe(idOf(content))
  expect(bob.client.unread).toMatchObject([{ why: 'bad_tag', retrying: true }])
}, 180_000)

it('what is sealed goes into no plain message, and what is not into no sealed one; a chat without keys gets it as it is', async () => {
  await start()
  const [alice, bob] = [await enter('alice', { plaintext: 'keyless' }), await enter('bob')]
  const carol = ending(connect({ url, token: 'carol' }))
  const content = png('a picture')
  const [open, sealed] = [
    await alice.client.upload(content, { to: 'carol' }),
    await alice.client.upload(content, { to: 'bob' }),
  ]
  expect(open.id).toBe(idOf(content))
  expect(sealed.id).toMatch(/^[0-9a-f]{64}#/)
  expect((await alice.client.upload(content)).id).toContain('#')
  await alice.client.send('carol', 'look', { media: open })
  await alice.client.send('bob', 'look', { media: sealed })
  await expect(alice.client.send('bob', 'look', { media: open })).rejects.toMatchObject({ code: 'not_sealed' })
  await expect(alice.client.send('carol', 'look', { media: sealed })).rejects.toMatchObject({ code: 'no_keys' })
  for await (const { media } of carol.messages()) {
    expect(media).toEqual(open)
    break
  }
  expect(idOf(await bob.content(await bob.has(1)))).toBe(idOf(content))
  const team = await alice.client.createGroup('team', ['carol'])
  await expect(alice.client.send(team, 'look', { media: sealed })).rejects.toMatchObject({ code: 'no_keys' })
}, 180_000)

it.each(['allowed', 'required'] as const)(
  'a node that has it %s takes no media with a sealed message that it could look at',
  async (sealing) => {
    await start({ e2ee: sealing })
    const [alice, bob] = [await enter('alice'), await enter('bob')]
    const medium = await alice.client.upload(png('a picture'))
    await alice.client.send('bob', 'hi', { media: medium })
    await bob.has(1)
    const raw = await enterRaw(url, 'alice', 'raw')
    const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') })
    const parts = [{ device: 'phone' as never, type: 2, bytes: new Uint8Array(100) }]
    const body = base64(sentBody({ theirs: 1, mine: 1, parts, own: [] }))
    const ref = { media: medium.id.slice(0, 64), size: new Layout(medium.size).sealed }
    const refs = [
      { ...ref, type: 'image/png' },
      { ...ref, type: 'application/octet-stream', preview: base64(new Uint8Array(9)) },
      { ...ref, type: 'application/octet-stream' },
    ]
    const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`
    for (const [n, media] of refs.entries()) raw.say('send', id(n), 'bob', body, false, media)
    await expect.poll(() => [...raw.of('error'), ...raw.of('sent')], patient).toHaveLength(3)
    expect(raw.of('error').map(([, code, , of]) => [of, code])).toEqual([
      [id(0), 'not_sealed'],
      [id(1), 'not_sealed'],
    ])
    const plain = await enterRaw(url, 'dave')
    plain.say('send', id(9), 'bob', 'hi', false, { ...ref, type: 'application/octet-stream' })
    if (sealing === 'required')
      await expect.poll(() => plain.of('error').map(([, code]) => code), patient).toEqual(['not_sealed'])
  },
  180_000,
)

it('a text that is too long for a message comes as the body of one, text and bytes, to other devices of its writer as well', async () => {
  await start({ limits: { bodyBytes: 64 * 1024 } })
  const refs: unknown[] = []
  const seen: Changed = (frame) => {
    if (frame[0] === 'message') refs.push(frame[6] ?? null)
    return frame
  }
  const [alice, bob] = [await enter('alice'), await enter('bob', { changed: seen })]
  const tablet = await link('alice', alice, { device: 'tablet' })
  const text = `${'Zürich '.repeat(8_000)}end`
  const bytes = new Uint8Array(randomBytes(60_000))
  const sent = await alice.client.send('bob', text)
  expect(sent).toMatchObject({ body: text, media: null, sealed: true })
  await alice.client.send('bob', bytes)
  await alice.client.send('bob', 'short')
  await bob.has(3)
  expect(bob.got).toEqual([
    { body: text, media: null, sealed: true },
    { body: bytes, media: null, sealed: true },
    { body: 'short', media: null, sealed: true },
  ])
  expect(refs).toMatchObject([{ type: 'application/octet-stream' }, { type: 'application/octet-stream' }, null])
  await expect.poll(() => tablet.own.map(({ body }) => body), patient).toEqual([text, bytes, 'short'])
  expect(kept()).toHaveLength(2)
  const medium = await alice.client.upload(png(''))
  await expect(alice.client.send('bob', text, { media: medium })).rejects.toMatchObject({ code: 'too_large' })
  // A small picture that is too much for all devices is left out.
  await alice.client.send('bob', 'x'.repeat(30_000), { media: { ...medium, preview: new Uint8Array(4_096) } })
  expect(await bob.has(4)).toEqual({ body: 'x'.repeat(30_000), media: medium, sealed: true })
}, 180_000)

it('a long text that the server has lost is told, asked for, and said again; without media it is too large', async () => {
  await start({ limits: { bodyBytes: 64 * 1024 } })
  const text = 'x'.repeat(60_000)
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  await link('alice', alice, { device: 'tablet' })
  const real = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
    init?.method ? real(input, init) : new Response('{"error":"unknown_media"}', { status: 404 }),
  )
  await alice.client.send('bob', text)
  expect(await bob.has(1)).toEqual({ body: text, media: null, sealed: true })
  expect(bob.client.unread).toMatchObject([{ why: 'no_body', retrying: true }])
  await endAll()
  await startNode({ e2ee: 'allowed', limits: { bodyBytes: 64 * 1024 } })
  const [carol, dave] = [await enter('carol'), await enter('dave')]
  await expect(carol.client.send('dave', 'x'.repeat(64 * 1024))).rejects.toMatchObject({ code: 'too_large' })
  await carol.client.send('dave', 'short')
  await dave.has(1)
}, 180_000)

it('a long text whose upload was over before it was sent is uploaded anew', async () => {
  await start({ limits: { bodyBytes: 64 * 1024 } })
  const refs: string[] = []
  const said: Changed = (frame) => {
    if (frame[0] === 'error') refs.push(frame[1])
    return frame
  }
  const [alice, bob] = [await enter('alice', { changed: said }), await enter('bob')]
  const real = globalThis.fetch
  let lost = 0
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const answer = await real(input, init)
    if (init?.method === 'PUT' && answer.status === 201 && lost++ === 0)
      await media.release(uploadHolder('alice' as never), String(input).slice(-64) as never)
    return answer
  })
  await alice.client.send('bob', 'x'.repeat(64 * 1024))
  expect(await bob.has(1)).toMatchObject({ sealed: true, media: null })
  expect(refs).toEqual(['unknown_media'])
  expect(lost).toBe(2)
}, 180_000)

it('all members of a sealed group get a picture and a long text, one copy of each', async () => {
  await start({ limits: { bodyBytes: 64 * 1024 } })
  const [alice, bob, carol] = [await enter('alice'), await enter('bob'), await enter('carol')]
  const group = await alice.client.createGroup('team', ['bob', 'carol'])
  const content = Buffer.concat([png(''), randomBytes(100_000)])
  const medium = await alice.client.upload(content, { to: group })
  await alice.client.send(group, 'look', { media: medium })
  await bob.client.send(group, 'x'.repeat(64 * 1024))
  for (const device of [bob, carol]) {
    await device.has(device === bob ? 1 : 2)
    expect(device.got[0]).toMatchObject({ body: 'look', media: medium, sealed: true })
    expect(idOf(await device.content(device.got[0] as Device['got'][number]))).toBe(idOf(content))
  }
  expect(carol.got[1]).toEqual({ body: 'x'.repeat(64 * 1024), media: null, sealed: true })
  expect(kept()).toHaveLength(2)
  const open = { id: idOf(content), size: content.length, type: 'image/png' }
  await expect(alice.client.send(group, 'look', { media: open })).rejects.toMatchObject({ code: 'not_sealed' })
}, 180_000)

it('what both have deleted is gone from the server, also a long text', async () => {
  await start({ limits: { bodyBytes: 64 * 1024 } })
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const medium = await alice.client.upload(png('a picture'))
  await alice.client.send('bob', 'look', { media: medium })
  await alice.client.send('bob', 'x'.repeat(64 * 1024))
  await bob.has(2)
  expect(kept()).toHaveLength(2)
  await bob.client.delete('alice')
  await alice.client.delete('bob')
  await expect.poll(kept, patient).toEqual([])
}, 180_000)

it('goes on through links that break, up and down', async () => {
  await start()
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const content = Buffer.concat([png(''), randomBytes(3_000_000)])
  const real = globalThis.fetch
  let requests = 0
  /** Each third request breaks off. */
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    requests += 1
    if (requests % 3 > 0) return real(input, init)
    const answer = await real(input, init)
    if (init?.method === 'PUT') throw new TypeError('the connection was lost')
    const reader = answer.body?.getReader()
    const some = new ReadableStream({
      pull: async (stream) => {
        const next = await reader?.read()
        if (next?.value) stream.enqueue(next.value)
        await reader?.cancel()
        stream.error(new TypeError('the connection was lost'))
      },
    })
    return new Response(some, { status: answer.status, headers: answer.headers })
  })
  const medium = await alice.client.upload(content)
  expect(requests).toBeGreaterThan(7)
  const blob = await bob.client.download(medium.id)
  expect(idOf(new Uint8Array(await blob.arrayBuffer()))).toBe(idOf(content))
}, 180_000)

it('a device that comes later gets no content of what was sent before it came, and all of what is sent then', async () => {
  await start()
  const [alice, bob] = [await enter('alice'), await enter('bob')]
  const [before, after] = ['before', 'after'].map((name) => Buffer.concat([png(name), randomBytes(100_000)]))
  const send = async (body: string, content: Buffer) =>
    (await alice.client.send('bob', body, { media: await alice.client.upload(content as Buffer<ArrayBuffer>) })).id
  const id = await send('before', before as Buffer)
  await bob.has(1)
  const laptop = await link('bob', bob, { device: 'laptop' })
  const tablet = await link('alice', alice, { device: 'tablet' })
  // Nobody is asked: it came before they were let in.
  const final = [{ id, why: 'no_part', retrying: false }]
  await expect.poll(() => laptop.client.unread, patient).toMatchObject(final)
  await send('after', after as Buffer)
  const got = await laptop.has(1)
  expect(got).toMatchObject({ body: 'after', sealed: true })
  expect(idOf(await laptop.content(got))).toBe(idOf(after as Buffer))
  await expect.poll(() => tablet.own, patient).toMatchObject([{ body: 'after' }])
  expect(idOf(await tablet.content(tablet.own[0] as Device['own'][number]))).toBe(idOf(after as Buffer))
  expect(idOf(await bob.content(bob.got[0] as Device['got'][number]))).toBe(idOf(before as Buffer))
  // Of what its user had sent with no other device nothing was kept for one.
  expect([laptop.client.unread.length, tablet.client.unread]).toEqual([1, []])
}, 180_000)
