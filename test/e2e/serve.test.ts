/** The node as an operator runs it: the command line, tokens, inspection, and how it stops. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
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
const serve = (...args: string[]) => serveWith([], ...args)
/** `options` of Node. */
async function serveWith(options: readonly string[], ...args: string[]) {
  port = await freePort()
  const data = join(folder, String(port))
  const run = [...options, main, 'serve', '--port', String(port), '--data', data, ...args]
  const server = spawn(process.execPath, run)
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

const client = { device: null, address: '127.0.0.1' }

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

  it('stops over some time where it is told so, and at once when it is told again', async () => {
    const { server, url, http } = await serve('--drain-seconds', '600')
    const socket = new WebSocket(url, 'bluetick.v1.json')
    await once(socket, 'open')
    socket.send('["hello","alice"]')
    await once(socket, 'message')
    const [closed, exited] = [once(socket, 'close'), once(server, 'exit')]
    server.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${http}/readyz`)).text()).toBe('not ready: the node is stopping\n')
    const sent = once(socket, 'message')
    socket.send('["send","0198e000-0000-7000-8000-000000000001","bob","hi"]')
    expect(String((await sent)[0])).toContain('"sent"')
    server.kill('SIGTERM')
    expect((await closed)[0]).toBe(3000)
    expect((await exited)[0]).toBe(0)
  })

  it('ends with the node, and names what would still keep the process', async () => {
    const kept = 'data:text/javascript,setInterval(() => {}, 1000)'
    const { server, out } = await serveWith(['--import', kept])
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(out()).toMatch(/Stopped; .*\n.*Ending the process, which was still kept by: .*Timeout/)
  })

  it('tells what is wrong in one line: the folder, the port, an option, a short secret, no secret', async () => {
    const { data } = await serve()
    const locked = await cli('serve', '--port', '1', '--data', data)
    expect(locked).toMatchObject({ code: 1, out: expect.stringMatching(/in use by process \d+/) })
    const taken = await cli('serve', '--port', String(port), '--data', join(folder, 'other'))
    expect(taken).toMatchObject({ code: 1, out: expect.stringContaining('in use') })
    expect(await cli('sevre')).toMatchObject({ code: 2, out: expect.stringContaining('sevre; did you mean serve?') })
    expect(await cli('serve', '--fish', '1')).toMatchObject({ code: 2, out: expect.stringContaining('--fish') })
    expect(await cli('serve', '--port', 'x')).toMatchObject({ code: 2, out: expect.stringContaining('--port') })
    const open = await cli('serve', '--host', '0.0.0.0', '--data', join(folder, 'open'))
    expect(open).toMatchObject({
      code: 2,
      out: expect.stringMatching(
        /--host 0\.0\.0\.0 needs --secret-file, --jwks-url or --authenticate-url; .*umask 077/,
      ),
    })
    expect(open.out.split('\n')).toHaveLength(1)
    writeFileSync(join(folder, 'short'), 'short')
    const short = await cli('serve', '--secret-file', join(folder, 'short'))
    expect(short).toMatchObject({
      code: 2,
      out: expect.stringMatching(/short has 5 bytes, and needs at least 32;.*> .*short\)/),
    })
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
    [
      'a secret file that is not there',
      ['token', 'alice', '--secret-file', 'none'],
      '(umask 077; openssl rand -hex 32 > none)',
    ],
    ['a certificate that is not there', ['serve', '--store', 'cassandra', '--cluster-ca-file', 'none'], 'no file none'],
    ['limits that do not go together', ['serve', '--limit', 'bodyBytes=100000'], 'at most half of limits.frameBytes'],
  ])('refuses %s, and ends with 2 as for all that is typed wrong', async (_what, args, words) => {
    const data = args[0] === 'serve' ? ['--data', join(folder, 'refused')] : []
    expect(await cli(...args, ...data)).toEqual({ code: 2, out: expect.stringContaining(words) })
  })

  it('says why it cannot listen on an address that is none, and ends with 1', async () => {
    const args = ['--host', '127.0.0.1.invalid', '--secret-file', secretFile, '--data', join(folder, 'refused')]
    expect(await cli('serve', ...args)).toEqual({ code: 1, out: expect.stringContaining('ENOTFOUND') })
  })

  it('does not say that everything is in a data folder which was removed, and ends with 1', async () => {
    const { server, data, out } = await serve()
    rmSync(data, { recursive: true })
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exited).toEqual([1, null])
    expect(out()).toMatch(/removed while they were in use|is not there any more/)
    expect(out()).not.toContain('Stopped;')
  })

  it('takes limits, also from a file, and names a variable that sets nothing', async () => {
    const config = join(folder, 'config.json')
    writeFileSync(config, '{ "limit": { "bodyBytes": 5, "devices": 3 }, "online-ms": 0 }')
    vi.stubEnv('BLUETICK_PROT', '9')
    const { out, url } = await serve('--config', config, '--limit', 'devices=2')
    vi.unstubAllEnvs()
    expect(out()).toContain('nothing is set by BLUETICK_PROT; did you mean BLUETICK_PORT?')
    const client = connect({ url, token: 'alice' })
    await expect(client.send('bob', 'longer')).rejects.toMatchObject({ code: 'too_large' })
    await client.close()
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
    for (const option of [
      '--host ADDRESS',
      '--port N',
      '--store lmdb\\|cassandra',
      '--data FOLDER',
      '--limit NAME=VALUE',
      '--keyspace NAME',
    ])
      expect(out).toMatch(new RegExp(`^  ${option}\n .*\n +default: .*; environment: BLUETICK_`, 'm'))
    expect(out).toContain('default: any origin if there is a secret, otherwise none but its own;')
    expect(out).toMatch(/^Options of Cassandra:\n {2}--contact-points HOSTS$/m)
  })
})

describe('a running node', () => {
  const entersWith = async (url: string, secret: Uint8Array) => {
    const client = connect({ url, token: await makeToken(secret, { user: 'bob' }, 60) })
    await expect.poll(() => client.connection.is).toMatch(/online|closed/)
    const { is } = client.connection
    await client.close()
    return is
  }

  it('reads its secret again on SIGHUP, keeps the one that it has where that cannot be, and says which', async () => {
    const file = join(folder, 'secret-that-changes')
    writeFileSync(file, secret)
    const { server, url, out } = await serve('--secret-file', file)
    const alice = connect({ url, token: await makeToken(key, { user: 'alice' }, 60) })
    await expect.poll(() => alice.connection.is).toBe('online')
    const next = 'another secret of thirty-two bytes or more'
    writeFileSync(file, next)
    server.kill('SIGHUP')
    await expect
      .poll(out)
      .toContain(`SIGHUP: read ${file} again; tokens that none of its secrets has signed are refused from now on.`)
    expect(await entersWith(url, key)).toBe('closed')
    expect(await entersWith(url, new TextEncoder().encode(next))).toBe('online')
    expect(alice.connection.is).toBe('online')
    writeFileSync(file, 'short')
    server.kill('SIGHUP')
    await expect.poll(out).toContain(`SIGHUP: the secret stays as it was: the secret in ${file} has 5 bytes`)
    expect(await entersWith(url, new TextEncoder().encode(next))).toBe('online')
    await alice.close()
  })

  it('takes tokens of each secret in its file, makes them with the first, and reads the file when it changes', async () => {
    const file = join(folder, 'secrets')
    const next = 'the next secret of thirty-two bytes or more'
    writeFileSync(file, `${next}\n${secret}\n`)
    const { url, out } = await serve('--secret-file', file)
    for (const each of [secret, next]) expect(await entersWith(url, new TextEncoder().encode(each))).toBe('online')
    const made = (await cli('token', 'alice', '--secret-file', file)).out
    expect(await jwtAuthenticate(new TextEncoder().encode(next))(made, client)).toMatchObject({ user: 'alice' })
    writeFileSync(file, `${next}\n`)
    await expect.poll(out).toContain(`It has changed: read ${file} again;`)
    expect(await entersWith(url, key)).toBe('closed')
    writeFileSync(file, `${next}\nshort\n`)
    await expect.poll(out).toContain(`It has changed: the secret stays as it was: secret 2 in ${file} has 5 bytes`)
    expect(await entersWith(url, new TextEncoder().encode(next))).toBe('online')
  })

  it('takes tokens only of the issuer and for the audience that it is told, and says so', async () => {
    const claims = ['--token-issuer', 'https://id.example', '--token-audience', 'chat']
    const { url } = await serve('--secret-file', secretFile, ...claims)
    const enters = async (...args: string[]) => {
      const { out: token } = await cli('token', 'alice', '--secret-file', secretFile, ...args)
      const client = connect({ url, token })
      await expect.poll(() => client.connection.is).toMatch(/online|closed/)
      const { is } = client.connection
      await client.close()
      return is
    }
    expect(await enters(...claims)).toBe('online')
    expect(await enters()).toBe('closed')
    expect(await enters('--token-audience', 'chat')).toBe('closed')
    expect(await cli('serve', ...claims)).toMatchObject({
      code: 2,
      out: expect.stringContaining('need --secret-file or'),
    })
    const plain = await cli('serve', '--jwks-url', 'http://id.example/jwks')
    expect(plain).toMatchObject({ code: 2, out: expect.stringContaining('must be an address of https') })
    const { out } = await serve('--jwks-url', 'https://id.example/jwks')
    expect(out()).toContain('of the issuer whose keys are at https://id.example/jwks; for any audience')
  })

  it('tells in its log who comes, goes and is refused, and never a token nor what is written', async () => {
    const { server, url, out } = await serve('--secret-file', secretFile, '--log', 'json', '--log-level', 'debug')
    const token = await makeToken(key, { user: 'alice', device: 'phone' }, 60)
    const alice = connect({ url, token })
    await alice.send('bob', 'words that nobody else is to read')
    await alice.close()
    const wrong = connect({ url, token: `${token}x` })
    await expect.poll(() => wrong.connection.is).toBe('closed')
    await wrong.close()
    server.kill('SIGTERM')
    await once(server, 'exit')
    const lines = out()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const told = lines.map(({ msg, user, device, code }) => [msg, user, device, code].filter(Boolean).join(' '))
    for (const each of ['entered alice phone', 'left alice phone 1000', 'refused bad_token', 'Draining ...'])
      expect(told).toContain(each)
    for (const secret of [token, token.split('.')[2], 'words that nobody']) expect(out()).not.toContain(secret)
  })

  it('prints which option lets a page of another origin in, and the option does', async () => {
    const origin = 'http://localhost:5173'
    const enters = (url: string) => {
      const socket = new WebSocket(url, 'bluetick.v1.json', { origin })
      return once(socket, 'open').then(
        () => true,
        () => false,
      )
    }
    const { url, out } = await serve()
    expect(await enters(url)).toBe(false)
    await expect.poll(out).toContain(`Pages of ${origin} may not come here; --allow-origin`)
    expect(await enters((await serve('--allow-origin', `http://localhost:3000, ${origin}`)).url)).toBe(true)
  })

  it('does not end on SIGHUP where it has no secret, nor when nobody reads what it prints any more', async () => {
    const { server, http, out } = await serve()
    server.kill('SIGHUP')
    await expect.poll(out).toContain('no secret file')
    server.stdout.destroy()
    server.stderr.destroy()
    for (const _ of [1, 2, 3]) server.kill('SIGHUP')
    expect(await (await fetch(`${http}/healthz`)).text()).toBe('ok\n')
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
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
  it('tells of a user and of a message, with the token that the node was given', async () => {
    const tokenFile = join(folder, 'operator-token')
    writeFileSync(tokenFile, 'operator')
    const { server, url, out } = await serve('--operator-token-file', tokenFile)
    const alice = connect({ url, token: 'alice' })
    const { id } = await alice.send('bob', 'hi')
    const of = (...args: string[]) => cli('inspect', '--url', url, ...args)
    expect(await of('bob')).toMatchObject({ code: 1, out: expect.stringContaining('wants its operator token') })
    const bob = JSON.parse((await of('bob', '--operator-token-file', tokenFile)).out)
    expect(bob).toMatchObject({ user: 'bob', tail: 1, term: 1, devices: [], actor: { mailbox: 0, restarts: 0 } })
    expect((await of('--message', id, '--operator-token-file', tokenFile)).out).toMatch(
      /^sent .*bob at seq 1\nwaiting /,
    )
    expect(await of('nobody', '--operator-token-file', tokenFile)).toMatchObject({ code: 1 })
    const former = join(folder, 'former-operator-token')
    writeFileSync(former, 'operator')
    writeFileSync(tokenFile, 'another')
    server.kill('SIGHUP')
    await expect
      .poll(out)
      .toContain(`SIGHUP: read ${tokenFile} again; the former operator token opens nothing from now on.`)
    expect(await of('bob', '--operator-token-file', tokenFile)).toMatchObject({ code: 0 })
    expect(await of('bob', '--operator-token-file', former)).toMatchObject({ code: 1 })
    writeFileSync(tokenFile, '')
    server.kill('SIGHUP')
    await expect.poll(out).toContain(`SIGHUP: the operator token stays as it was: there is no token in ${tokenFile}`)
    writeFileSync(tokenFile, 'another')
    expect(await of('bob', '--operator-token-file', tokenFile)).toMatchObject({ code: 0 })
    await alice.close()
  })

  it('finds the token that a node makes at each start in its data folder, which only its owner can read', async () => {
    const { url, http, data } = await serve('--secret-file', secretFile)
    const file = join(data, 'operator-token')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse((await cli('inspect', '--url', url, '--data', data)).out)).toMatchObject({ sessions: 0 })
    const authorization = `Bearer ${readFileSync(file, 'utf8').trim()}`
    expect((await fetch(`${http}/admin/v1/stats`, { headers: { authorization } })).status).toBe(200)
    expect((await fetch(`${http}/admin/v1/stats`)).status).toBe(403)
    const second = await cli('serve', '--port', '1', '--data', data)
    expect(second.code).toBe(1)
    expect(`Bearer ${readFileSync(file, 'utf8').trim()}`).toBe(authorization)
  })

  it('says so when no node answers', async () => {
    const none = await cli('inspect', 'bob', '--url', 'http://127.0.0.1:1')
    expect(none).toEqual({ code: 1, out: expect.stringContaining('no node answers at http://127.0.0.1:1') })
  })
})

describe('/admin/v1 of a node that is embedded', () => {
  const looks = async (options: object, headers: Record<string, string> = {}) => {
    const node = createNode({ store: memoryStore(), ...options })
    const { url } = await node.listen({ port: 0 })
    const { status } = await fetch(`${url.replace('ws', 'http')}/admin/v1/stats`, { headers })
    await node.close()
    return status
  }

  it('is closed where tokens are asked for, until it has a token of its own', async () => {
    const authenticate = jwtAuthenticate(key)
    expect(await looks({ authenticate })).toBe(403)
    expect(await looks({ authenticate, operatorToken: 'operator' })).toBe(403)
    expect(await looks({ authenticate, operatorToken: 'operator' }, { authorization: 'Bearer operato' })).toBe(403)
    expect(await looks({ authenticate, operatorToken: 'operator' }, { authorization: 'Bearer operator' })).toBe(200)
  })

  it('is for this machine where no token is asked for, and for no page and no proxy', async () => {
    expect(await looks({})).toBe(200)
    for (const header of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via', 'origin'])
      expect(await looks({}, { [header]: 'http://evil.example' })).toBe(403)
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
