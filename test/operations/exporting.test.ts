/** What is exported of a user: all that is kept of them, and their media, whole and as fast as it is taken. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import { serveHttp } from '../../src/gateway/http.ts'
import { App, localPort } from '../../src/gateway/uws.ts'
import { createNode, fileMedia, lmdbStore } from '../../src/index.ts'
import { notExported } from '../../src/operations/exporting.ts'
import { idOf, png } from '../contracts/media.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
const folder = () => mkdtempSync(join(tmpdir(), 'bluetick-export-'))

async function start() {
  const node = createNode({ store: lmdbStore(folder()), media: fileMedia(folder()) })
  const { url } = await node.listen({ port: 0 })
  ends.push(() => node.close())
  const http = url.replace('ws', 'http')
  const enter = (user: string, device = 'phone') => {
    const client = connect({ url, token: user, device })
    ends.push(() => client.close())
    return client
  }
  const upload = async (user: string, content: Uint8Array) => {
    const headers = { authorization: `Bearer ${user}` }
    const body = content as Uint8Array<ArrayBuffer>
    expect((await fetch(`${http}/media`, { method: 'POST', headers, body })).ok).toBe(true)
    return { media: idOf(content), type: 'image/png', size: content.length }
  }
  return { node, http, enter, upload }
}

type Line = { readonly is: string } & Record<string, unknown>
async function linesOf(source: AsyncIterable<string>): Promise<Line[]> {
  let text = ''
  for await (const line of source) text += line
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
const of = (lines: readonly Line[], ...kinds: string[]) => lines.filter(({ is }) => kinds.includes(is))
async function readAll(client: Client, count: number): Promise<void> {
  for await (const message of client.messages()) {
    message.read()
    if (--count === 0) return
  }
}

const large = png('p'.repeat(150_000))
const small = png('small')

/** Bob has messages of two people and of a group, settings, two devices and media, and is there while it is exported. */
async function life() {
  const { node, http, enter, upload } = await start()
  await node.setLifetime('alice', 'bob', 'permanent')
  await node.send({ from: 'alice', to: 'bob', body: 'for good' })
  await node.send({ from: 'carol', to: 'bob', body: 'look', media: await upload('carol', large) })
  await node.send({ from: 'dave', to: 'carol', body: 'not for bob' })
  const group = await node.createGroup({ by: 'carol', name: 'Team', members: ['bob'] })
  await node.createGroup({ by: 'carol', name: 'Others', members: ['dave'] })
  await upload('bob', small)
  const [phone, laptop] = [enter('bob'), enter('bob', 'laptop')]
  await phone.block('mallory')
  await readAll(phone, 4)
  await expect.poll(() => laptop.connection.is).toBe('online')
  await phone.send('dave', 'mine')
  return { node, http, group }
}

it('has whatever is kept of a user, and nothing of others', async () => {
  const { node, group } = await life()
  await expect.poll(async () => of(await linesOf(node.exportUser('bob')), 'copy').length).toBe(1)
  const lines = await linesOf(node.exportUser('bob'))
  expect(lines[0]).toMatchObject({ is: 'user', user: 'bob', banned: false })
  expect(of(lines, 'device').map(({ device }) => device)).toEqual(['phone', 'laptop'])
  expect(of(lines, 'settings')).toMatchObject([{ blocked: ['mallory'], lifetimes: [{ chat: 'alice' }] }])
  expect(of(lines, 'group')).toEqual([{ is: 'group', group, name: 'Team', admin: false }])
  const said = of(lines, 'message', 'copy').map(({ is, chat, body }) => [is, chat, body])
  expect(said).toEqual([
    ['message', 'alice', 'permanent'],
    ['message', 'alice', 'for good'],
    ['message', 'carol', 'look'],
    ['message', group, 'bob'],
    ['copy', 'dave', 'mine'],
  ])
  expect(JSON.stringify(lines)).not.toContain('not for bob')
  const contents = of(lines, 'media').map(({ media }) => {
    const pieces = of(lines, 'piece').filter((piece) => piece['media'] === media)
    return Buffer.concat(pieces.map(({ base64 }) => Buffer.from(String(base64), 'base64'))).toString('latin1')
  })
  expect(contents.sort()).toEqual([small, large].map((bytes) => Buffer.from(bytes).toString('latin1')).sort())
  expect(lines.at(-1)).toEqual({ is: 'end', lines: lines.length - 1, without: [...notExported] })
})

it('has what a history keeps when the inbox has it no more, and each message once', async () => {
  const store = lmdbStore(folder(), { retentionMs: 1 })
  const node = createNode({ store })
  await node.listen({ port: 0 })
  ends.push(() => node.close())
  await node.setLifetime('alice', 'bob', 'permanent')
  for (const body of ['first', 'second']) await node.send({ from: 'alice', to: 'bob', body })
  // A chore of the node removes them, too, some time.
  for (let expired = 1; expired > 0; ) expired = (await store.expire(Date.now() + 2 * 86_400_000)).entries
  await node.send({ from: 'alice', to: 'bob', body: 'third' })
  const lines = of(await linesOf(node.exportUser('bob')), 'message')
  expect(lines.map(({ body }) => body)).toEqual(['third', 'second', 'first', 'permanent'])
})

it('says of somebody who never was that nothing is kept, and of an id that cannot be why', async () => {
  const { node } = await start()
  const lines = await linesOf(node.exportUser('nobody'))
  expect(lines.map(({ is }) => is)).toEqual(['user', 'settings', 'end'])
  expect(() => node.exportUser('#team')).toThrow(expect.objectContaining({ code: 'bad_id' }))
})

it('comes over HTTP and is printed by the command line, line by line', async () => {
  const { http } = await life()
  const response = await fetch(`${http}/admin/v1/users/bob/export`)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  const lines = (await response.text()).trimEnd().split('\n')
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ is: 'end', lines: lines.length - 1 })
  const args = ['dist/src/cli/main.js', 'admin', 'export', 'user=bob', '--url', http, '--data', folder()]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 24 })
  expect(stdout.trimEnd().split('\n')).toHaveLength(lines.length)
  const { status } = await fetch(`${http}/admin/v1/users/%23team/export`)
  expect(status).toBe(400)
})

it('ends for the command line with an error where the node breaks off', async () => {
  let taken = () => {}
  const printed = new Promise<void>((resolve) => {
    taken = resolve
  })
  const port = await serving(async function* () {
    yield Buffer.from('{"is":"user"}\n')
    await printed
    throw new Error('the disk is broken')
  })
  const child = spawn(process.execPath, [
    'dist/src/cli/main.js',
    ...['admin', 'export', 'user=bob', '--url', `http://127.0.0.1:${port}`, '--data', folder()],
  ])
  const [out, told] = ['stdout', 'stderr'].map((name) => {
    const chunks: string[] = []
    child[name as 'stdout'].on('data', (chunk) => chunks.push(String(chunk)))
    return chunks
  }) as [string[], string[]]
  child.stdout.once('data', taken)
  expect(await once(child, 'close')).toEqual([1, null])
  expect([out.join(''), told.join('')]).toEqual(['{"is":"user"}\n', expect.stringContaining('is not all')])
})

/** A server that answers everything with this. */
async function serving(open: () => AsyncIterable<Uint8Array>): Promise<number> {
  const app = App()
  serveHttp(
    app,
    () => ({ status: 200, body: { open, close: () => {} } }),
    () => '127.0.0.1',
  )
  ends.push(() => app.close())
  return new Promise((resolve) => app.listen('127.0.0.1', 0, (socket) => resolve(localPort(socket))))
}

it('is made no faster than it is taken, and is whole in the end', async () => {
  const [piece, count] = [Buffer.alloc(64 * 1024, 'x'), 3_000]
  let made = 0
  const port = await serving(async function* () {
    for (; made < count; made++) yield piece
  })
  const socket = dial(port, '127.0.0.1')
  ends.push(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  let last = -1
  await expect
    .poll(
      () => {
        const same = made > 0 && made === last
        last = made
        return same
      },
      { interval: 500, timeout: 60_000 },
    )
    .toBe(true)
  expect(made).toBeLessThan(count / 2)
  let bytes = 0
  let tail = ''
  for await (const chunk of socket) {
    bytes += chunk.length
    tail = (tail + chunk.toString('latin1')).slice(-5)
    if (tail === '0\r\n\r\n') break
  }
  expect(made).toBe(count)
  expect(bytes).toBeGreaterThan(count * piece.length)
})
