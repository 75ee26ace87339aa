/** Services by the command line: what is told and asked, by which secrets, and what was not taken. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { receiver, secret, secretOf } from '../operations/webhooks/receiver.ts'
import { freePort } from '../ports.ts'

const main = 'dist/src/cli/main.js'
const folder = mkdtempSync(join(tmpdir(), 'bluetick-webhooks-'))
const file = join(folder, 'webhook-secret')
writeFileSync(file, `${secret}\n`)

async function cli(...args: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args])
    return { code: 0, out: (stdout + stderr).trim() }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: (stdout + stderr).trim() }
  }
}

it('tells, and asks, the services that it was given, signs anew when the file changes, and lists what was put aside', async () => {
  const service = await receiver(({ type, data }) => {
    if (type === 'authenticate') return { user: data['token'] }
    return type === 'allow' ? { allow: data['body'] !== 'spam' } : undefined
  })
  const [port, data] = [await freePort(), join(folder, 'data')]
  const urls = ['webhook', 'authenticate', 'allow'].flatMap((name) => [`--${name}-url`, service.url])
  const options = ['--port', String(port), '--data', data, ...urls, '--webhook-secret-file', file]
  const server = spawn(process.execPath, [
    main,
    'serve',
    ...options,
    '--webhook-events',
    'message.accepted, user.online',
  ])
  onTestFinished(() => void server.kill('SIGKILL'))
  let out = ''
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (text) => {
      out += text
    })
  await expect.poll(() => out).toContain(`webhooks    go to ${service.url}`)
  const alice = connect({ url: `ws://127.0.0.1:${port}`, token: 'alice', device: 'phone' })
  onTestFinished(() => alice.close())
  await alice.send('bob', 'hello')
  await expect.poll(() => service.of('message.accepted').map(({ data }) => data['body'])).toEqual(['hello'])
  await expect(alice.send('bob', 'spam')).rejects.toMatchObject({ code: 'refused' })
  writeFileSync(file, `${secretOf('t')}\n`)
  server.kill('SIGHUP')
  await expect.poll(() => out).toContain('requests to services are signed by its secrets from now on.')
  service.trust(secretOf('t'))
  await alice.send('bob', 'again')
  await expect.poll(() => service.of('message.accepted').at(-1)?.data['body']).toBe('again')
  expect(service.wrong).toEqual([])
  const types = () => [...new Set(service.taken.map(({ type }) => type))].sort()
  await expect.poll(types).toEqual(['allow', 'authenticate', 'message.accepted', 'user.online'])
  expect(await cli('webhooks', 'dead', '--url', `http://127.0.0.1:${port}`, '--data', data)).toEqual({
    code: 0,
    out: '',
  })
  writeFileSync(file, `${secret}\n`)
})

const url = ['--webhook-url', 'http://127.0.0.1:1/']
it.each([
  [url, '--webhook-url needs --webhook-secret-file; make one with: (umask 077; echo "whsec_'],
  [['--allow-url', 'http://127.0.0.1:1/'], '--allow-url needs --webhook-secret-file'],
  [
    ['--webhook-secret-file', file],
    '--webhook-secret-file needs one of --webhook-url, --authenticate-url, --allow-url',
  ],
  [['--webhook-events', 'message.read'], '--webhook-events needs --webhook-url'],
  [[...url, '--webhook-secret-file', main], 'secret 1 must be whsec_ and the base64 of 24 to 64 bytes; make one with'],
  [[...url, '--webhook-secret-file', file, '--webhook-events', 'message.lost'], 'events must be a list of events'],
  [['--webhook-url', 'nowhere', '--webhook-secret-file', file], 'webhooks.url must be an http or https URL'],
  [
    ['--authenticate-url', 'http://127.0.0.1:1/', '--webhook-secret-file', file, '--secret-file', main],
    '--authenticate-url takes the place of --secret-file and --jwks-url',
  ],
])('bluetick serve %j is refused in a sentence', async (args, words) => {
  const { code, out } = await cli('serve', '--port', '0', '--data', join(folder, 'none'), ...args)
  expect([code, out]).toEqual([2, expect.stringContaining(words)])
})
