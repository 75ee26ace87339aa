/** Whoever has all of a server: its disk, its memory, its logs and its wires. What of three people's sealed messages is there. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { unpacked } from '../../src/client/e2ee/packed.ts'
import type { E2ee } from '../../src/client/e2ee/types.ts'
import { type Client, connect, memoryStorage, type Storage } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { webSocketTransport } from '../../src/client/websocket.ts'
import { png } from '../contracts/media.ts'

const patient = { timeout: 60_000 }

/** Bytes of memory that are read at a time, and so many more that nothing is cut. */
const [piece, overlap] = [8 * 1024 * 1024, 4_096]

/** What is looked for, all at once: by their first two bytes, and then by their first four. */
class Needles {
  readonly #starts = new Uint8Array(65_536)
  readonly #byStart = new Map<number, Buffer[]>()

  constructor(needles: readonly Buffer[]) {
    for (const needle of needles) {
      this.#starts[needle.readUInt16LE(0)] = 1
      const start = needle.readUInt32LE(0)
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), needle])
    }
  }

  in(bytes: Buffer): Set<Buffer> {
    const found = new Set<Buffer>()
    const starts = this.#starts
    let low = bytes[0] ?? 0
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const high = bytes[at + 1] as number
      const isStart = starts[low | (high << 8)]
      low = high
      if (!isStart) continue
      for (const needle of this.#byStart.get(bytes.readUInt32LE(at)) ?? [])
        if (bytes.subarray(at, at + needle.length).equals(needle)) found.add(needle)
    }
    return found
  }
}

/** `bluetick serve` with these options, and all that it prints. */
export class Server {
  readonly #process: ChildProcess
  printed = ''

  private constructor(options: readonly string[]) {
    const args = ['dist/src/cli/main.js', 'serve', '--e2ee', 'allowed', '--log-level', 'debug', ...options]
    this.#process = spawn(process.execPath, args)
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (text) => {
        this.printed += text
      })
  }

  static async start(options: readonly string[]): Promise<Server> {
    const server = new Server(options)
    await expect.poll(() => server.printed, patient).toContain('listens')
    return server
  }

  /** Those of which its memory has any. */
  inMemory(needles: Needles): Buffer[] {
    const { pid } = this.#process
    const memory = openSync(`/proc/${pid}/mem`, 'r')
    const found = new Set<Buffer>()
    const buffer = Buffer.alloc(piece + overlap)
    for (const [, from, to] of readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/^(\w+)-(\w+) rw/gm)) {
      const end = Number.parseInt(to ?? '', 16)
      for (let at = Number.parseInt(from ?? '', 16); at < end; at += piece) {
        const length = Math.min(piece + overlap, end - at)
        try {
          readSync(memory, buffer, 0, length, at)
        } catch {
          continue
        }
        for (const needle of needles.in(buffer.subarray(0, length))) found.add(needle)
      }
    }
    closeSync(memory)
    return [...found]
  }

  async kill(): Promise<void> {
    if (this.#process.signalCode) return
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
  }
}

/** What goes over the wires of those who use it, both ways. */
class Tapped {
  wire: Buffer[] = []

  readonly transport: Transport = (at, subprotocol, events) => {
    const note = (data: string | Uint8Array) => void this.wire.push(Buffer.from(data))
    const connection = webSocketTransport(at, subprotocol, {
      opened: () => events.opened(),
      lost: (...why) => events.lost(...why),
      heard: (data) => {
        note(data)
        events.heard(data)
      },
    })
    const send = (data: string | Uint8Array) => {
      note(data)
      connection.send(data)
    }
    return { send, close: (...why) => connection.close(...why) }
  }
}

const words = (name: string) => `a canary of ${name}, ${randomBytes(6).toString('hex')}`
const formsOf = (bytes: Uint8Array): Buffer[] => [
  Buffer.from(bytes),
  ...(['hex', 'base64', 'base64url'] as const).map((form) =>
    Buffer.from(Buffer.from(bytes).toString(form).slice(0, 40)),
  ),
]
const formsOfText = (text: string): Buffer[] => [...formsOf(Buffer.from(text)), Buffer.from(text, 'utf16le')]

/** What of a storage nobody else may have: private keys, and those of pairings. */
async function secretsOf(storage: Storage): Promise<Uint8Array[]> {
  const found: Uint8Array[] = []
  for (const [key, value] of await storage.load()) {
    if (key === 'e2ee:me') {
      const { seed, secret, signed } = value as {
        seed: Uint8Array
        secret: Uint8Array
        signed: { secret: Uint8Array }[]
      }
      found.push(seed, secret, ...signed.map((pair) => pair.secret))
    }
    if (key.startsWith('e2ee:once:')) found.push((value as { secret: Uint8Array }).secret)
    if (!key.startsWith('e2ee:pair:')) continue
    for (const { ratchet } of (value as Uint8Array[]).flatMap((bytes) => unpacked(bytes) ?? [])) {
      const { root, mine, sending, receiving, skipped, unfinished } = ratchet
      found.push(root, mine.secret, ...[sending, receiving].flatMap((chain) => (chain ? [chain.key] : [])))
      found.push(...skipped.values(), ...unfinished.values())
    }
  }
  return found
}

export type Found = { readonly hidden: Buffer[]; readonly shown: Buffer[] }

/** Three people, of whom one has two devices, write to each other and in a group, with pictures; and two as people without keys do. */
export async function story(
  server: Server,
  url: string,
): Promise<Found & { readonly wire: Buffer[]; readonly ids: readonly string[] }> {
  const tapped = new Tapped()
  const clients: Client[] = []
  const storages: Storage[] = []
  const enter = async (user: string, device: string, isSealing = true) => {
    const storage = memoryStorage()
    const given = { url, token: user, device, storage, transport: tapped.transport }
    const client = connect(isSealing ? { ...given, e2ee: e2ee() } : given) as Client & { readonly e2ee: E2ee }
    clients.push(client)
    if (isSealing) storages.push(storage)
    await client.e2ee?.place()
    const got: unknown[] = []
    void (async () => {
      for await (const { body, media } of client.messages()) {
        got.push(body)
        if (media) got.push((await client.download(media.id)).size)
      }
    })().catch(() => {})
    return { client, got }
  }
  const [alice, bob, carol] = [
    await enter('alice', 'phone'),
    await enter('bob', 'phone'),
    await enter('carol', 'phone'),
  ]
  const tablet = await enter('alice', 'tablet')
  await alice.client.e2ee.approve(await tablet.client.e2ee.code())
  await expect.poll(() => tablet.client.e2ee.place(), patient).toBe('linked')
  const [toBob, toAll, reply] = [words('two'), words('a group'), words('an answer')]
  const [hidden, shown] = [randomBytes(2_000), randomBytes(2_000)]
  const team = await alice.client.createGroup('team', ['bob', 'carol'])
  const ids = [(await alice.client.send('bob', toBob)).id, (await bob.client.send('alice', reply)).id]
  const picture = Buffer.concat([png(''), hidden])
  for (const to of ['bob', team]) {
    const media = await alice.client.upload(picture)
    ids.push((await alice.client.send(to, toAll, { media: { ...media, preview: hidden.subarray(0, 500) } })).id)
  }
  for (const { got } of [bob, carol])
    await expect.poll(() => got, patient).toEqual(expect.arrayContaining([toAll, picture.length]))
  await expect.poll(() => tablet.got, patient).toContain(reply)
  const [dave, erin] = [await enter('dave', 'phone', false), await enter('erin', 'phone', false)]
  const inTheOpen = words('nobody')
  await dave.client.send('erin', inTheOpen, { media: await dave.client.upload(Buffer.concat([png(''), shown])) })
  await expect.poll(() => erin.got, patient).toContain(inTheOpen)

  const secrets = (await Promise.all(storages.map(secretsOf))).flat()
  expect(secrets.length).toBeGreaterThan(300)
  const texts = [toBob, toAll, reply].flatMap(formsOfText)
  const chunks = [hidden.subarray(100, 164), hidden.subarray(1_500, 1_564)].flatMap(formsOf)
  const found = {
    hidden: [...texts, ...chunks, ...secrets.flatMap(formsOf)],
    shown: [Buffer.from(inTheOpen), shown.subarray(100, 164)],
  }
  const remembered = server.inMemory(new Needles([...found.hidden, ...found.shown]))
  expect(remembered.filter((one) => !found.shown.some((other) => other.equals(one))).map(String)).toEqual([])
  expect(remembered).toContain(found.shown[0])
  for (const client of clients) await client.close()
  return { ...found, wire: tapped.wire, ids }
}

/** Those of which any of the files has one. */
export function within(files: readonly (Buffer | string)[], { hidden, shown }: Found): Buffer[] {
  const needles = new Needles([...hidden, ...shown])
  return [...new Set(files.flatMap((file) => [...needles.in(Buffer.from(file as string))]))]
}

export const filesOf = (folder: string): Buffer[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))

/** What an operator is told of the people, and of messages. */
export const inspected = (folder: string, port: number, ids: readonly string[]): string =>
  [['alice'], ['bob'], ['carol'], ...ids.map((id) => ['--message', id])]
    .map((what) => ['inspect', ...what, '--data', folder, '--url', `http://127.0.0.1:${port}`])
    .map((args) => execFileSync(process.execPath, ['dist/src/cli/main.js', ...args], { encoding: 'utf8' }))
    .join('\n')
