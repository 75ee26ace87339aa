/** Uploads and downloads over HTTP, as any client may do them. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNode, fileMedia, memoryStore, type NodeOptions } from '../../src/index.ts'
import { idOf, png } from '../contracts/media.ts'

let node: ReturnType<typeof createNode>
let http: string
let port: number
let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'bluetick-http-'))
})
afterEach(() => node.close())
async function start(options: Partial<NodeOptions> = {}) {
  node = createNode({ store: memoryStore(), media: fileMedia(path), ...options })
  port = (await node.listen({ port: 0 })).port
  http = `http://127.0.0.1:${port}`
}
type Options = { method?: string; token?: string | null; body?: Uint8Array; headers?: Record<string, string> }
function ask(id: string, { method = 'GET', token = 'alice', body, headers = {} }: Options = {}): Promise<Response> {
  const bearer: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  return fetch(`${http}/media${id && `/${id}`}`, {
    method,
    headers: { ...bearer, ...headers },
    ...(body && { body: body as Uint8Array<ArrayBuffer> }),
  })
}
const put = (id: string, body: Uint8Array, more: Options = {}) => ask(id, { method: 'PUT', body, ...more })
const piece = (content: Uint8Array, first: number, last: number, more: Options = {}) =>
  put(idOf(content), content.subarray(first, last + 1), {
    ...more,
    headers: { 'content-range': `bytes ${first}-${last}/${content.length}`, ...more.headers },
  })
const error = async (response: Response) => [response.status, ((await response.json()) as { error: string }).error]
const files = () =>
  readdirSync(join(path, 'files'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
const picture = png('a picture of a tick')
const id = idOf(picture)

/** An upload that stays open after `bytes`, over a socket of its own. */
async function stalled(id: string, length: number, bytes: Uint8Array, headers = '', token = 'alice') {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (data) => {
    heard += data
  })
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(
    `PUT /media/${id} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\ncontent-length: ${length}\r\n${headers}\r\n`,
  )
  socket.write(bytes)
  return { socket, closed, heard: () => heard }
}

describe('an upload', () => {
  it('is answered with the SHA-256, the size and the type, and is there for whoever has a token and the id', async () => {
    await start()
    const answer = await put(id, picture)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`/media/${id}`)
    expect(await answer.json()).toEqual({ id, size: picture.length, type: 'image/png' })
    const got = await ask(id, { token: 'bob' })
    expect(got.status).toBe(200)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(picture)
  })

  it('needs no hash announced, and is stored once', async () => {
    await start()
    const answer = await ask('', { method: 'POST', body: picture })
    expect([answer.status, await answer.json()]).toEqual([201, { id, size: picture.length, type: 'image/png' }])
    expect((await put(id, picture, { token: 'bob' })).status).toBe(200)
    expect((await ask('', { method: 'POST', body: picture, token: 'bob' })).status).toBe(201)
    expect(files()).toBe(1)
  })

  it('is refused when the announced hash is another, and leaves nothing', async () => {
    await start()
    expect(await error(await put(idOf(png('other')), picture))).toEqual([422, 'wrong_hash'])
    expect(await error(await ask(id))).toEqual([404, 'unknown_media'])
    expect(files()).toBe(0)
    await put(id, picture)
    expect(await error(await put(id, png('other')))).toEqual([422, 'wrong_hash'])
  })

  it('goes on where it broke off, and only for its user', async () => {
    await start()
    const half = 1_000_000
    const content = Buffer.alloc(2 * half, 'content')
    const { socket, closed } = await stalled(idOf(content), content.length, content.subarray(0, half))
    const kept = async (token = 'alice') =>
      (await ask(idOf(content), { method: 'HEAD', token })).headers.get('upload-offset')
    await expect.poll(kept).toBe(String(half))
    socket.destroy()
    await closed
    expect(await kept('bob')).toBeNull()
    await expect.poll(async () => (await piece(content, half, content.length - 1)).status).toBe(201)
    expect(Buffer.from(await (await ask(idOf(content))).arrayBuffer()).equals(content)).toBe(true)
    expect(files()).toBe(1)
  })

  it('may come in pieces, each answered with where the next must start', async () => {
    await start()
    const first = await piece(picture, 0, 4)
    expect([first.status, first.headers.get('upload-offset')]).toEqual([202, '5'])
    for (const [from, to] of [
      [0, 4],
      [6, 9],
    ] as const) {
      const wrong = await piece(picture, from, to)
      expect(wrong.headers.get('upload-offset')).toBe('5')
      expect(await error(wrong)).toEqual([409, 'wrong_offset'])
    }
    const asked = await put(id, Buffer.alloc(0), { headers: { 'content-range': `bytes */${picture.length}` } })
    expect(asked.headers.get('upload-offset')).toBe('5')
    const other = await put(idOf(png('x')), Buffer.alloc(0), { headers: { 'content-range': 'bytes */9' } })
    expect([other.headers.get('upload-offset'), files()]).toEqual(['0', 1])
    expect((await piece(picture, 5, picture.length - 1)).status).toBe(201)
  })

  it('that comes whole again starts anew', async () => {
    await start()
    await piece(picture, 0, 4)
    expect((await put(id, picture)).status).toBe(201)
  })

  it('without an announced hash leaves nothing when it breaks off', async () => {
    await start()
    const sending = request(`${http}/media`, {
      method: 'POST',
      headers: { authorization: 'Bearer alice', 'content-length': 100 },
    })
    sending.on('error', () => undefined)
    sending.write('some')
    await expect.poll(files).toBe(1)
    sending.destroy()
    await expect.poll(files).toBe(0)
  })

  it('of the same user and content waits for the one under way', async () => {
    await start()
    const { socket } = await stalled(id, picture.length, picture.subarray(0, 3))
    await expect.poll(files).toBe(1)
    expect(await error(await put(id, picture))).toEqual([409, 'under_way'])
    expect((await put(id, picture, { token: 'bob' })).status).toBe(201)
    socket.destroy()
  })

  it('waits while tokens cannot be checked', async () => {
    const authenticate = () => Promise.reject(new Error('the database is down'))
    await start({ authenticate })
    expect(await error(await put(id, picture))).toEqual([503, 'unavailable'])
  })

  it.each([
    ['no token', { token: null }, 401, 'bad_token'],
    ['an id that is no hash', { id: 'picture.png' }, 404, 'unknown_media'],
    ['a hash in upper case', { id: id.toUpperCase() }, 404, 'unknown_media'],
    ['a path that climbs', { id: '..%2f..%2fLOCK' }, 404, 'unknown_media'],
    ['a range that is none', { headers: { 'content-range': 'bytes 5' } }, 400, 'bad_request'],
    ['a range of another length', { headers: { 'content-range': 'bytes 0-1/99' } }, 400, 'bad_request'],
    ['a range above its total', { headers: { 'content-range': 'bytes 0-26/20' } }, 400, 'bad_request'],
    ['a method that is none of these', { method: 'DELETE' }, 405, 'bad_method'],
    ['a page of another site', { headers: { origin: 'http://evil.example' } }, 403, 'other_origin'],
  ] as const)('is refused for %s', async (_what, given, status, code) => {
    await start()
    const { id: path = id, ...more } = { id: undefined, ...given }
    expect(await error(await put(path ?? id, picture, more as Options))).toEqual([status, code])
    expect(files()).toBe(0)
  })

  it('is told when the disk is full or the store fails, and leaves nothing on a full disk', async () => {
    const media = fileMedia(path)
    const { begin } = media
    let code = 'ENOSPC'
    media.begin = async (...args) => {
      const upload = await begin.apply(media, args)
      upload.write = () => Promise.reject(Object.assign(new Error('failed'), { code }))
      return upload
    }
    await start({ media })
    expect(await error(await put(id, picture))).toEqual([507, 'full'])
    expect(files()).toBe(0)
    code = 'EIO'
    expect(await error(await put(id, picture))).toEqual([503, 'unavailable'])
    media.begin = () => Promise.reject(Object.assign(new Error('failed'), { code: 'ENOSPC' }))
    expect(await error(await put(id, picture))).toEqual([507, 'full'])
  })

  it('says its length', async () => {
    await start()
    const body = new Blob([picture]).stream()
    const init = { method: 'PUT', headers: { authorization: 'Bearer alice' }, body, duplex: 'half' }
    expect(await error(await fetch(`${http}/media/${id}`, init as RequestInit))).toEqual([411, 'no_length'])
  })

  it('is known by its token as sockets are, and a node without media has no such path', async () => {
    await start({ authenticate: (token) => (token === 'secret' ? { user: 'alice' } : undefined) })
    expect(await error(await put(id, picture, { token: 'alice' }))).toEqual([401, 'bad_token'])
    expect((await put(id, picture, { token: 'secret', headers: { origin: 'http://my.example' } })).status).toBe(201)
    const preflight = await ask(id, { method: 'OPTIONS', token: null, headers: { origin: 'http://my.example' } })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    await node.close()
    node = createNode({ store: memoryStore() })
    port = (await node.listen({ port: 0 })).port
    http = `http://127.0.0.1:${port}`
    expect((await put(id, picture)).status).toBe(404)
  })

  it('is refused under a name that merely resolves here, where the token is only a name', async () => {
    await start()
    const status = await new Promise((resolve) =>
      request({
        port,
        path: `/media/${id}`,
        headers: { host: `evil.example:${port}`, authorization: 'Bearer alice' },
      })
        .on('response', (response) => resolve(response.statusCode))
        .end(),
    )
    expect(status).toBe(403)
  })
})

describe('limits', () => {
  const limited = (limits: NodeOptions['limits']) =>
    start({ limits: { mediaBytesPerDay: 100_000, mediaBytes: 100, ...limits } })

  it('bytes of one medium: said before they come, in whole or in pieces, and what is far too much is cut off', async () => {
    await limited({})
    expect((await put(idOf(Buffer.alloc(100)), Buffer.alloc(100))).status).toBe(201)
    expect(await error(await put(id, Buffer.alloc(101)))).toEqual([413, 'too_large'])
    const headers = { 'content-range': 'bytes 0-9/101' }
    expect(await error(await put(id, Buffer.alloc(10), { headers }))).toEqual([413, 'too_large'])
    const endless = await stalled(id, 1e12, Buffer.alloc(10))
    await endless.closed
    expect(endless.heard()).toContain('413')
  })

  it('bytes of one user in a day: the answer says when to come back, and what did not come or was known does not count', async () => {
    await start({ limits: { mediaBytesPerDay: 250_000, mediaBytes: 100_000 } })
    const contents = ['a', 'b', 'c'].map((letter) => Buffer.alloc(100_000, letter))
    for (const content of contents.slice(0, 2)) {
      expect((await put(idOf(content), content)).status).toBe(201)
      expect((await put(idOf(content), content)).status).toBe(200)
    }
    const third = contents[2] as Buffer
    const over = await put(idOf(third), third)
    expect(Number(over.headers.get('retry-after'))).toBeCloseTo((86_400 * 50) / 250, -2)
    expect(await error(over)).toEqual([429, 'over_quota'])
    expect((await put(idOf(third), third, { token: 'bob' })).status).toBe(201)
    const broken = await stalled(id, 50_000, Buffer.alloc(1))
    await expect.poll(files).toBe(4)
    broken.socket.destroy()
    await broken.closed
    const small = Buffer.alloc(30_000, 's')
    await expect.poll(async () => (await put(idOf(small), small)).status).toBe(201)
  })

  it('bytes of one user in a day: a tiny upload counts as a small one, so that files are bounded too', async () => {
    await start({ limits: { mediaBytesPerDay: 40_000, mediaBytes: 40_000 } })
    for (const letter of ['a', 'b'])
      expect((await put(idOf(Buffer.from(letter)), Buffer.from(letter))).status).toBe(201)
    expect(await error(await put(idOf(Buffer.from('c')), Buffer.from('c')))).toEqual([429, 'over_quota'])
  })

  it('uploads and downloads of one user at a time, and of the node', async () => {
    await start({ limits: { mediaUploads: 1, mediaTransfers: 2 } })
    const open = [await stalled(id, 50, picture.subarray(0, 1))]
    await expect.poll(files).toBe(1)
    const other = png('other')
    expect(await error(await put(idOf(other), other))).toEqual([429, 'too_many_uploads'])
    open.push(await stalled(id, 50, picture.subarray(0, 1), '', 'bob'))
    await expect.poll(files).toBe(2)
    expect(await error(await put(idOf(other), other, { token: 'carol' }))).toEqual([503, 'busy'])
    for (const { socket } of open) socket.destroy()
    await expect.poll(async () => (await put(idOf(other), other)).status).toBe(201)
  })

  it('downloads of one user at a time', async () => {
    await start({ limits: { mediaDownloads: 1 } })
    const content = Buffer.alloc(32 * 1024 * 1024, 'x')
    expect((await put(idOf(content), content)).status).toBe(201)
    const slow = connect(port, '127.0.0.1').pause()
    slow.write(`GET /media/${idOf(content)} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer alice\r\n\r\n`)
    const range = { headers: { range: 'bytes=0-0' } }
    await expect.poll(async () => (await ask(idOf(content), range)).status).toBe(429)
    expect(await error(await ask(idOf(content)))).toEqual([429, 'too_many_downloads'])
    expect((await ask(idOf(content), { token: 'bob', headers: { range: 'bytes=0-0' } })).status).toBe(206)
    slow.destroy()
    await expect.poll(async () => (await ask(idOf(content), range)).status).toBe(206)
  })

  it('refuses a day that holds less than one medium', async () => {
    await start()
    const limits = { mediaBytes: 10, mediaBytesPerDay: 9 }
    expect(() => createNode({ store: memoryStore(), limits })).toThrow(/mediaBytesPerDay/)
  })
})

describe('a download', () => {
  it.each([
    ['bytes=0-3', 206, `bytes 0-3/${picture.length}`, picture.subarray(0, 4)],
    ['bytes=5-', 206, `bytes 5-${picture.length - 1}/${picture.length}`, picture.subarray(5)],
    ['bytes=-4', 206, `bytes ${picture.length - 4}-${picture.length - 1}/${picture.length}`, picture.subarray(-4)],
    ['bytes=0-999', 206, `bytes 0-${picture.length - 1}/${picture.length}`, picture],
    ['bytes=-999', 206, `bytes 0-${picture.length - 1}/${picture.length}`, picture],
    ['bytes=99-', 416, `bytes */${picture.length}`, undefined],
    ['bytes=-0', 416, `bytes */${picture.length}`, undefined],
    ['bytes=0-1,3-4', 200, null, picture],
    ['bytes=9-3', 200, null, picture],
    ['lines=1-2', 200, null, picture],
  ] as const)('of range %s answers %i', async (range, status, contentRange, bytes) => {
    await start()
    await put(id, picture)
    const got = await ask(id, { headers: { range } })
    expect([got.status, got.headers.get('content-range')]).toEqual([status, contentRange])
    if (bytes) expect(Buffer.from(await got.arrayBuffer())).toEqual(Buffer.from(bytes))
    if (bytes) expect(got.headers.get('content-length')).toBe(String(bytes.length))
  })

  it('is not repeated to who has it, and a range holds only for the same content', async () => {
    await start()
    await put(id, picture)
    const etag = (await ask(id, { method: 'HEAD' })).headers.get('etag') ?? ''
    expect(etag).toBe(`"${id}"`)
    for (const asked of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect((await ask(id, { headers: { 'if-none-match': asked } })).status).toBe(304)
    expect((await ask(id, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
    expect((await ask(id, { headers: { range: 'bytes=1-2', 'if-range': etag } })).status).toBe(206)
    expect((await ask(id, { headers: { range: 'bytes=1-2', 'if-range': '"x"' } })).status).toBe(200)
  })

  it.each([
    ['a picture', picture, 'image/png', /^inline; filename="[0-9a-f]{16}\.png"$/],
    [
      'HTML',
      Buffer.from('<!doctype html><script>alert(1)</script>'),
      'application/octet-stream',
      /^attachment; .*bin"$/,
    ],
    ['SVG', Buffer.from('<svg onload="alert(1)"/>'), 'application/octet-stream', /^attachment/],
    ['JavaScript', Buffer.from('alert(1)'), 'application/octet-stream', /^attachment/],
  ])('of %s cannot run in a browser, whatever it was called', async (_what, content, type, disposition) => {
    await start()
    await put(idOf(content), content, { headers: { 'content-type': 'text/html' } })
    const { headers } = await ask(idOf(content))
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('content-disposition')).toMatch(disposition)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; sandbox")
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('cache-control')).toBe('private, no-cache')
  })

  it('of HEAD says the size and sends nothing; of nothing 404', async () => {
    await start()
    await put(id, picture)
    const head = await ask(id, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(picture.length),
      '',
    ])
    expect((await ask(idOf(png('other')))).status).toBe(404)
    const empty = Buffer.alloc(0)
    await put(idOf(empty), empty)
    expect(await (await ask(idOf(empty))).text()).toBe('')
  })

  it('waits for a slow reader in constant memory', async () => {
    await start()
    const content = Buffer.alloc(64 * 1024 * 1024, 'some content')
    expect((await put(idOf(content), content)).status).toBe(201)
    const before = process.memoryUsage().arrayBuffers
    const got = await ask(idOf(content))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024)
    expect(idOf(new Uint8Array(await got.arrayBuffer()))).toBe(idOf(content))
  })
})
