/** The push service of docs/push.md, run as it says, with a real node and a push service that decrypts. */
import { execFileSync, spawn } from 'node:child_process'
import { createECDH, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { decrypt } from 'http_ece'
import { expect, it, onTestFinished } from 'vitest'
import { generateVAPIDKeys } from 'web-push'
import { connect } from '../../src/client/index.ts'
import { createNode, jwtAuthenticate, makeToken, memoryStore } from '../../src/index.ts'
import { secret } from '../operations/webhooks/receiver.ts'
import { freePort } from '../ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'bluetick-push-'))
const tokenSecret = 'thirty-two bytes or more, from a safe'
const key = new TextEncoder().encode(tokenSecret)

/** A push service over TLS, as those of browsers are: it answers `status`, and keeps what it can decrypt. */
async function pushService(status: () => number) {
  const [certificate, pem] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1']
  const files = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', pem, '-out', certificate]
  execFileSync('openssl', [...made, ...files], { stdio: 'ignore' })
  const browser = createECDH('prime256v1')
  browser.generateKeys()
  const auth = randomBytes(16)
  const got: { path: string | undefined; vapid: string; notice: unknown }[] = []
  const server = createServer(
    { cert: readFileSync(certificate), key: readFileSync(pem) },
    async (request, response) => {
      const body = await buffer(request)
      const text = decrypt(body, { version: 'aes128gcm', privateKey: browser, authSecret: auth.toString('base64url') })
      const vapid = String(request.headers.authorization)
      got.push({ path: request.url, vapid, notice: JSON.parse(text.toString()) })
      response.writeHead(status()).end()
    },
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const keys = { p256dh: browser.getPublicKey('base64url'), auth: auth.toString('base64url') }
  return { got, certificate, subscription: { endpoint: `https://127.0.0.1:${port}/phone`, keys } }
}

it('wakes who has no connected device, again where the push service failed, and forgets a browser that is gone', async () => {
  let status = 503
  const service = await pushService(() => status)
  const [port, vapid] = [await freePort(), generateVAPIDKeys()]
  const program = spawn(process.execPath, ['docs/push/web-push.mjs'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      WEBHOOK_SECRET: secret,
      TOKEN_SECRET: tokenSecret,
      SUBSCRIPTIONS: join(folder, 'subscriptions.json'),
      VAPID_SUBJECT: 'mailto:test@example.org',
      VAPID_PUBLIC: vapid.publicKey,
      VAPID_PRIVATE: vapid.privateKey,
      NODE_EXTRA_CA_CERTS: service.certificate,
    },
  })
  onTestFinished(() => void program.kill())
  await once(program.stdout, 'data')
  const base = `http://127.0.0.1:${port}`
  const node = createNode({
    store: memoryStore(),
    authenticate: jwtAuthenticate(key),
    webhooks: { url: `${base}/hooks`, secrets: [secret], events: ['message.waiting'] },
  })
  onTestFinished(() => node.close())
  const { url } = await node.listen({ port: 0 })
  const tokenOf = (user: string) => makeToken(key, { user }, 60)
  const subscribe = (authorization: string) =>
    fetch(`${base}/subscriptions`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify(service.subscription),
    })
  expect((await subscribe('Bearer nobody')).status).toBe(401)
  expect((await subscribe(`Bearer ${await tokenOf('bob')}`)).status).toBe(204)
  expect((await fetch(`${base}/hooks`, { method: 'POST', body: '{}' })).status).toBe(401)

  const ann = connect({ url, token: await tokenOf('ann') })
  onTestFinished(() => ann.close())
  await ann.send('bob', 'secret words')
  await expect.poll(() => service.got.length).toBeGreaterThan(1)
  status = 201
  const before = service.got.length
  await expect.poll(() => service.got.length).toBeGreaterThan(before)
  expect(service.got.at(-1)).toMatchObject({ path: '/phone', notice: { title: 'ann', unread: 1, tag: 'ann' } })
  expect(service.got.at(-1)?.vapid).toMatch(/^vapid t=/)
  status = 410
  await ann.send('bob', 'more')
  await expect.poll(() => service.got.at(-1)?.notice).toMatchObject({ unread: 2 })
  const kept = () => readFileSync(join(folder, 'subscriptions.json'), 'utf8')
  await expect.poll(kept).toBe('[["bob",{}]]')
  expect(JSON.stringify(service.got)).not.toContain('secret words')
})
