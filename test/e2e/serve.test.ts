/** The node as an operator runs it: the command line, tokens, inspection, and how it stops. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect } from '../../src/client/index.ts'
import { createNode, fileMedia, jwtAuthenticate, lmdbStore, makeToken, memoryStore } from '../../src/index.ts'
import { freePort } from '../ports.ts'

const main = 'dist/src/cli/main.js'
const folder = mkdtempSync(join(tmpdir(), 'bluetick-serve-'))
let port: number
const servers: ChildProcess[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.kill('SIGKILL')
})

async function cli(...args: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args])
    return { code: 0, out: (stdout + stderr).trim() }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: (stdout + stderr).trim() }
  }
}
async function serve(...args: string[]) {
  port = await freePort()
  const data = join(folder, String(port))
  const server = spawn(process.execPath, [main, 'serve', '--port', String(port), '--data', data, ...args])
  servers.push(server)
  let out = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (text) => {
      out += text
    })
  await expect.poll(() => out).toContain(data)
  return { server, url: `ws://127.0.0.1:${port}`, http: `http://127.0.0.1:${port}`, data, out: () => out }
}
const secretFile = join(folder, 'secret')
const secret = 'a secret of at least thirty-two bytes'
writeFileSync(secretFile, `${secret}\n`)
const key = new TextEncoder().encode(secret)

describe('bluetick serve', () => {
  it('says where everything is, drains on SIGTERM with a code that says come back, and exits with 0', async () => {
    const { server, url, http, out } = await serve()
    expect(out()).toContain(`chat page   ${http}/`)
    expect(await (await fetch(`${http}/healthz`)).text()).toBe('ok\n')
    expect(await (await fetch(`${http}/readyz`)).text()).toBe('ready\n')
    const socket = new WebSocket(url, 'bluetick.v1.json')
    await once(socket, 'open')
    socket.send('["hello","alice"]')
    await once(socket, 'message')
    const [closed, exited] = [once(socket, 'close'), once(server, 'exit')]
    server.kill('SIGTERM')
    expect((await closed)[0]).toBe(3000)
    expect((await exited)[0]).toBe(0)
    expect(out()).toContain('Stopped; everything is in the data folder.')
  })

  it('tells what is wrong in one line: the folder, the port, an option, a short secret, no secret', async () => {
    const { data } = await serve()
    const locked = await cli('serve', '--port', '1', '--data', data)
    expect(locked).toMatchObject({ code: 1, out: expect.stringMatching(/in use by process \d+/) })
    const taken = await cli('serve', '--port', String(port), '--data', join(folder, 'other'))
    expect(taken).toMatchObject({ code: 1, out: expect.stringContaining('in use') })
    expect(await cli('sevre')).toMatchObject({ code: 2, out: expect.stringContaining('no command sevre') })
    expect(await cli('serve', '--fish', '1')).toMatchObject({ code: 1, out: expect.stringContaining('--fish') })
    expect(await cli('serve', '--port', 'x')).toMatchObject({ code: 1, out: expect.stringContaining('--port') })
    const open = await cli('serve', '--host', '0.0.0.0', '--data', join(folder, 'open'))
    expect(open).toMatchObject({ code: 1, out: expect.stringMatching(/0\.0\.0\.0.*secret/) })
    expect(open.out.split('\n')).toHaveLength(1)
    writeFileSync(join(folder, 'short'), 'short')
    const short = await cli('serve', '--secret-file', join(folder, 'short'))
    expect(short).toMatchObject({ code: 1, out: expect.stringContaining('32 bytes') })
  })

  it.each([
    ['a word too much', ['serve', '9000'], '"9000" is too much'],
    [
      'messages that would go at once',
      ['serve', '--retention-days', '0'],
      '--retention-days must be a whole number from 1',
    ],
    [
      'TLS that is neither on nor off',
      ['serve', '--store', 'cassandra', '--cluster-tls', 'true'],
      '--cluster-tls must be',
    ],
    [
      'an address that is none, and says why',
      ['serve', '--host', '127.0.0.1.invalid', '--secret-file', secretFile],
      'ENOTFOUND',
    ],
    [
      'a token for a name that nobody can have',
      ['token', '#team', '--secret-file', secretFile],
      'no user can be called "#team"',
    ],
    [
      'a token for no time',
      ['token', 'alice', '--hours', '0', '--secret-file', secretFile],
      '--hours must be a whole number from 1',
    ],
    ['two questions', ['inspect', 'alice', '--message', 'x'], 'not both'],
  ])('refuses %s', async (_what, args, words) => {
    const data = args[0] === 'serve' ? ['--data', join(folder, 'refused')] : []
    expect(await cli(...args, ...data)).toEqual({ code: 1, out: expect.stringContaining(words) })
  })

  it('names its page by an address that a browser takes, also with IPv6', async () => {
    const { out } = await serve('--host', '::1')
    expect(out()).toContain(`chat page   http://[::1]:${port}/`)
  })

  it('says which version it is, and what it can do, in the usual ways', async () => {
    expect((await cli('--version')).out).toMatch(/^\d+\.\d+\.\d+\n?$/)
    for (const ask of ['help', '-h', '--help']) expect((await cli(ask)).out).toContain('bluetick serve [options]')
  })

  it('lists every option with its default and its environment variable', async () => {
    const { code, out } = await cli('serve', '--help')
    expect(code).toBe(0)
    for (const option of ['--host', '--port', '--data', '--secret-file', '--heartbeat-seconds'])
      expect(out).toMatch(new RegExp(`${option} [^]*?default: .*; environment: BLUETICK_`))
  })
})

describe('tokens', () => {
  it('let in who they name, as the device that they name', async () => {
    const { url } = await serve('--secret-file', secretFile)
    const token = (await cli('token', 'alice', '--device', 'phone', '--secret-file', secretFile)).out
    const alice = connect({ url, token, device: 'laptop' })
    await expect.poll(() => alice.connection).toEqual({ is: 'online', user: 'alice', device: 'phone' })
    await alice.close()
  })

  it.each([
    ['none', async () => ''],
    ['a name', async () => 'alice'],
    ['one that has expired', () => makeToken(key, { user: 'alice' }, -10)],
    ['one of another secret', () => makeToken(new Uint8Array(32), { user: 'alice' }, 60)],
    ['one without a signature', async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"alice"}')}.`],
  ])('refuse %s, for good', async (_what, token) => {
    const node = createNode({ store: memoryStore(), authenticate: jwtAuthenticate(key) })
    const { url } = await node.listen({ port: 0 })
    const client = connect({ url, token: await token() })
    await expect.poll(() => client.connection).toEqual({ is: 'closed', code: 'bad_token' })
    await node.close()
  })

  it('travel in the Authorization header or as a subprotocol that is not echoed', async () => {
    const node = createNode({ store: memoryStore(), authenticate: jwtAuthenticate(key) })
    const { url } = await node.listen({ port: 0 })
    const token = await makeToken(key, { user: 'alice' }, 60)
    for (const open of [
      () => new WebSocket(url, 'bluetick.v1.json', { headers: { authorization: `Bearer ${token}` } }),
      () => new WebSocket(url, ['bluetick.v1.json', `token.${token}`]),
    ]) {
      const socket = open()
      await once(socket, 'open')
      expect(socket.protocol).toBe('bluetick.v1.json')
      socket.send('["hello",null]')
      expect(String((await once(socket, 'message'))[0])).toMatch(/^\["welcome","alice"/)
      socket.close()
    }
    await node.close()
  })
})

describe('bluetick inspect', () => {
  it('tells of a user and of a message, and needs its token where one is set', async () => {
    const tokenFile = join(folder, 'inspect-token')
    writeFileSync(tokenFile, 'operator')
    const { url } = await serve('--inspect-token-file', tokenFile)
    const alice = connect({ url, token: 'alice' })
    const { id } = await alice.send('bob', 'hi')
    const of = (...args: string[]) => cli('inspect', '--url', url, ...args)
    expect(await of('bob')).toMatchObject({ code: 1, out: expect.stringContaining('needs its token') })
    const bob = JSON.parse((await of('bob', '--inspect-token-file', tokenFile)).out)
    expect(bob).toMatchObject({ user: 'bob', tail: 1, term: 1, devices: [], actor: { mailbox: 0, restarts: 0 } })
    expect((await of('--message', id, '--inspect-token-file', tokenFile)).out).toMatch(/^sent .*bob at seq 1\nwaiting /)
    expect(await of('nobody', '--inspect-token-file', tokenFile)).toMatchObject({ code: 1 })
    await alice.close()
  })

  it('says so when no node answers', async () => {
    const none = await cli('inspect', 'bob', '--url', 'http://127.0.0.1:1')
    expect(none).toEqual({ code: 1, out: expect.stringContaining('no node answers at http://127.0.0.1:1') })
  })

  it('is closed to pages and to proxies', async () => {
    const { http } = await serve()
    expect((await fetch(`${http}/inspect`)).status).toBe(200)
    expect((await fetch(`${http}/inspect`, { headers: { 'x-forwarded-for': '1.2.3.4' } })).status).toBe(403)
    expect((await fetch(`${http}/inspect`, { headers: { origin: 'http://evil.example' } })).status).toBe(403)
  })
})

describe('a node that is embedded', () => {
  it.each([
    ['no store', {}],
    ['a folder for a store', { store: './data' }],
    ['time that is none', { store: memoryStore(), onlineMs: -1 }],
  ])('refuses %s when it is made', (_what, options) => {
    expect(() => createNode(options as never)).toThrow(/store|onlineMs/)
  })

  it('sends bytes and text, and nothing else', async () => {
    const node = createNode({ store: memoryStore() })
    await node.listen({ port: 0 })
    for (const body of [undefined, 5, {}, '\ud800'])
      await expect(node.send({ from: 'shop', to: 'bob', body: body as never })).rejects.toMatchObject({
        code: 'bad_frame',
      })
    expect((await node.send({ from: 'shop', to: 'bob', body: 'hi' })).seq).toBe(1)
    await node.close()
  })

  it('gives its store back when its media cannot be opened', async () => {
    const [data, media] = [join(folder, 'embedded'), join(folder, 'media')]
    const first = createNode({ store: memoryStore(), media: fileMedia(media) })
    await first.listen({ port: 0 })
    const second = createNode({ store: lmdbStore(data), media: fileMedia(media) })
    await expect(second.listen({ port: 0 })).rejects.toMatchObject({ code: 'locked' })
    const third = createNode({ store: lmdbStore(data) })
    await third.listen({ port: 0 })
    await Promise.all([first.close(), third.close()])
  })
})

it('refuses what the allow hook refuses, for good, and goes on with the rest in order', async () => {
  const node = createNode({ store: memoryStore(), allow: ({ body }) => body !== 'spam' })
  const { url } = await node.listen({ port: 0 })
  const alice = connect({ url, token: 'alice' })
  await expect(alice.send('bob', 'spam')).rejects.toMatchObject({ name: 'RefusedError', code: 'refused' })
  expect((await alice.send('bob', 'ham')).at?.seq).toBe(1)
  await alice.close()
  await node.close()
})
