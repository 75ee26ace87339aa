/** What is asked of a service, and what comes of one that does not do its part. */
import { createHook } from 'node:async_hooks'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as listener } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { post } from '../../src/embed/signed.ts'
import { secret } from '../operations/webhooks/receiver.ts'

async function service(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  const server = createServer((request, response) => {
    request.resume()
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const ask = (deadlineMs = 60_000, signal?: AbortSignal) =>
    post({ url, secrets: [secret], id: 'id', now: 1_000, body: '{}', deadlineMs, ...(signal && { signal }) })
  return { ask, server }
}

it('answers with what the service said, and follows nothing', async () => {
  const { ask } = await service((_, response) => response.writeHead(302, { location: '/other' }).end('elsewhere'))
  const { status, text, header } = await ask()
  expect([status, text, header('location'), header('retry-after')]).toEqual([302, 'elsewhere', '/other', ''])
})

it('sends one request after the other over one connection', async () => {
  const ports = new Set<unknown>()
  const { ask } = await service((request, response) => {
    ports.add(request.socket.remotePort)
    response.end()
  })
  for (let n = 0; n < 20; n++) await ask()
  // One that was idle for seconds, as on a machine that stood still, is closed.
  expect(ports.size).toBeLessThan(20)
})

it('leaves no timer behind of a request that was answered', async () => {
  const timers = new Set<number>()
  const hook = createHook({
    init: (id, type) => type === 'Timeout' && timers.add(id),
    destroy: (id) => timers.delete(id),
  }).enable()
  onTestFinished(() => void hook.disable())
  const { ask } = await service((_, response) => response.end())
  for (let n = 0; n < 50; n++) await ask()
  // Those of the connections that are kept stay.
  await expect.poll(() => timers.size).toBeLessThan(20)
})

it('gives a service up that does not answer in time, also in the middle of its answer', async () => {
  const why = /did not answer within 0.05 s/
  const silent = await service(() => {})
  await expect(silent.ask(50)).rejects.toThrow(why)
  const slow = await service((_, response) => response.writeHead(200).write('some'))
  await expect(slow.ask(50)).rejects.toThrow(why)
})

it('gives a service up that breaks off, or answers without end, and when the node ends', async () => {
  const broken = await service((_, response) => response.writeHead(200).write('some', () => response.destroy()))
  await expect(broken.ask()).rejects.toThrow()
  const endless = await service((_, response) => response.end('x'.repeat(100_000)))
  await expect(endless.ask()).rejects.toThrow('its answer is too long')
  const ending = new AbortController()
  const silent = await service(() => ending.abort())
  await expect(silent.ask(60_000, ending.signal)).rejects.toThrow('the node ends')
  await expect(silent.ask(60_000, ending.signal)).rejects.toThrow('the node ends')
})

it('asks again, by another connection, where the service has closed the one that was kept', async () => {
  const seen = new Set<unknown>()
  let closed = 0
  const { ask } = await service(({ socket }, response) => {
    if (!seen.has(socket)) return seen.add(socket) && response.end('first')
    closed += 1
    return socket.destroy()
  })
  for (let n = 0; n < 5; n++) expect((await ask()).text).toBe('first')
  // One that was idle for seconds is not used again.
  expect(closed).toBeGreaterThan(0)
})

it('gives a service up that wants to speak something else', async () => {
  const server = listener((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 101 Other\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n')),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const asked = post({ url, secrets: [secret], id: 'id', now: 1_000, body: '{}', deadlineMs: 60_000 })
  await expect(asked).rejects.toThrow('it gave no answer')
})

it('says why where nobody is', async () => {
  const { ask, server } = await service(() => {})
  await new Promise((resolve) => server.close(resolve))
  await expect(ask()).rejects.toThrow('ECONNREFUSED')
})
