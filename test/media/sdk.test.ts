/** Media by the SDK, over links that break. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync } from 'node:fs'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, type ConnectOptions, connect, MediaError } from '../../src/client/index.ts'
import { createNode, fileMedia, memoryStore, type NodeOptions } from '../../src/index.ts'
import { idOf, png } from '../contracts/media.ts'

let node: ReturnType<typeof createNode>
let port: number
let proxy: Server | undefined
let path: string
const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  proxy?.close()
  proxy = undefined
  await node.close()
})
async function start(options: Partial<NodeOptions> = {}) {
  path = mkdtempSync(join(tmpdir(), 'bluetick-sdk-media-'))
  node = createNode({ store: memoryStore(), media: fileMedia(path), ...options })
  port = (await node.listen({ port: 0 })).port
}
function enter(token: ConnectOptions['token'] = 'alice', to = port): Client {
  const client = connect({ url: `ws://127.0.0.1:${to}`, token })
  clients.push(client)
  return client
}
const files = () =>
  readdirSync(join(path, 'files'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length

/** A link that breaks each connection after so many bytes in either direction; `cuts` counts. */
async function breaking(bytes: number): Promise<{ port: number; cuts: () => number }> {
  let cuts = 0
  proxy = createServer((near: Socket) => {
    const far = dial(port, '127.0.0.1')
    let left = bytes
    const relay = (from: Socket, to: Socket) => {
      from.on('data', (chunk) => {
        left -= chunk.length
        if (left > 0) return void to.write(chunk)
        cuts += 1
        near.destroy()
        far.destroy()
      })
      from.on('error', () => undefined)
      from.on('close', () => to.destroy())
    }
    relay(near, far)
    relay(far, near)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  return { port: (proxy.address() as AddressInfo).port, cuts: () => cuts }
}

describe('an upload by the SDK', () => {
  it('tells its progress, and is there for another user', async () => {
    await start()
    const content = Buffer.concat([png(''), randomBytes(3_000_000)])
    const progress: number[] = []
    const medium = await enter().upload(content, { onProgress: ({ done }) => progress.push(done) })
    expect(medium).toEqual({ id: idOf(content), size: content.length, type: 'image/png' })
    expect(progress.length).toBeGreaterThan(4)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBe(content.length)
    const blob = await enter('bob').download(medium.id)
    expect(blob.type).toBe('image/png')
    expect(idOf(new Uint8Array(await blob.arrayBuffer()))).toBe(medium.id)
  })

  it('goes on over a link that breaks again and again, and so does the download', async () => {
    await start()
    const link = await breaking(900_000)
    const content = randomBytes(3_000_000)
    const client = enter('alice', link.port)
    const medium = await client.upload(content)
    const cuts = link.cuts()
    expect(cuts).toBeGreaterThan(1)
    const sizes: number[] = []
    const blob = await client.download(medium.id, { onProgress: ({ done, total }) => sizes.push(done, total) })
    expect(link.cuts()).toBeGreaterThan(cuts + 2)
    expect(idOf(new Uint8Array(await blob.arrayBuffer()))).toBe(medium.id)
    expect(new Set(sizes.filter((_size, n) => n % 2))).toEqual(new Set([content.length]))
    expect(files()).toBe(1)
  })

  it('of what the node has already sends one piece at most', async () => {
    await start()
    const content = randomBytes(3_000_000)
    await enter().upload(content)
    const progress: unknown[] = []
    await enter('bob').upload(content, { onProgress: (now) => progress.push(now) })
    expect(progress).toEqual([{ done: content.length, total: content.length }])
  })

  it('keeps what a recording is called, where it fits; and says what else it is', async () => {
    await start()
    const webm = Buffer.concat([
      Buffer.from('1a45dfa39f4286810142f7810142f2810442f381084282847765626d', 'hex'),
      randomBytes(9),
    ])
    const client = enter()
    const typed = async (type: string) => (await client.upload(new Blob([webm], { type }))).type
    expect(await typed('audio/webm;codecs=opus')).toBe('audio/webm')
    expect(await typed('text/html')).toBe('video/webm')
    expect(await typed('')).toBe('video/webm')
    expect((await client.upload(new Blob([]))).type).toBe('application/octet-stream')
  })

  it('waits while the node is away, and ends with the client or by its signal', async () => {
    await start()
    await node.close()
    const client = enter()
    const waiting = client.upload(randomBytes(10))
    const given = new AbortController()
    const aborted = client.upload(randomBytes(10), { signal: given.signal })
    given.abort(new Error('not now'))
    await expect(aborted).rejects.toThrow('not now')
    node = createNode({ store: memoryStore(), media: fileMedia(path) })
    await node.listen({ port })
    expect((await waiting).size).toBe(10)
    await node.close()
    const ended = client.download('0'.repeat(64))
    await Promise.all([client.close(), expect(ended).rejects.toMatchObject({ code: 'closed' })])
    await expect(client.upload(randomBytes(10))).rejects.toMatchObject({ code: 'closed' })
  })

  it('rejects with what the node says', async () => {
    await start({ limits: { mediaBytes: 20_000, mediaBytesPerDay: 20_000 } })
    const client = enter()
    await expect(client.upload(randomBytes(20_001))).rejects.toMatchObject({ code: 'too_large', retryAfterMs: 0 })
    await expect(client.download('0'.repeat(64))).rejects.toBeInstanceOf(MediaError)
    await client.upload(randomBytes(20_000))
    const over = await client.upload(randomBytes(20_000)).catch((error) => error)
    expect(over.code).toBe('over_quota')
    expect(over.retryAfterMs).toBeGreaterThan(80_000_000)
    const bug = enter('bob').upload(new Uint8Array(), {
      onProgress() {
        throw new Error('a bug of the program')
      },
    })
    await expect(bug).rejects.toThrow('a bug of the program')
  })

  it('gets a new token when the one it had is no longer good', async () => {
    let good = 'first'
    await start({ authenticate: (token) => (token === good ? { user: 'alice' } : undefined) })
    let asked = 0
    const client = enter(() => {
      asked += 1
      return good
    })
    await client.upload(randomBytes(10))
    good = 'second'
    await client.upload(randomBytes(10))
    await client.upload(randomBytes(10))
    expect(asked).toBe(3)
    await expect(enter('wrong').upload(randomBytes(10))).rejects.toMatchObject({ code: 'bad_token' })
  })
})
