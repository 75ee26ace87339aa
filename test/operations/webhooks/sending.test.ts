/** What the answers of a service mean for an event. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { send } from '../../../src/operations/webhooks/sending.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'
import { systemClock } from '../../../src/runtime/index.ts'
import { secret } from './receiver.ts'

const event = {
  outbox: 'outbox' as UserId,
  ref: 1,
  seq: 1,
  of: 'ann' as UserId,
  id: '00000000-0000-8000-a000-000000000001' as MessageId,
  time: 1,
  body: JSON.stringify({ type: 'user.online', data: { user: 'ann' } }),
  failures: 0,
}

/** What becomes of an event of a service that answers so. */
async function outcome(answer: (response: ServerResponse) => unknown) {
  const server = createServer((request, response) => {
    request.resume()
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const options = { url: `http://127.0.0.1:${port}/`, secrets: [secret] }
  const unused = {} as never
  const { signal } = new AbortController()
  return send({ options, store: unused, unread: unused, clock: systemClock, signal }, event)
}
const status = (code: number, headers: Record<string, string> = {}) =>
  outcome((response) => response.writeHead(code, headers).end())

it('any success means that it is taken', async () => {
  for (const code of [200, 202, 204]) expect(await status(code)).toEqual({ is: 'sent' })
})

it('a service that is gone for good is left alone for an hour, and its events wait', async () => {
  expect(await status(410)).toEqual({ is: 'failed', why: 'it answered 410', pauseMs: 3_600_000 })
  expect(await status(410, { 'retry-after': '1' })).toMatchObject({ pauseMs: 3_600_000 })
})

it('a service that asks for time gets it, an hour at most; from another one nothing is known', async () => {
  expect(await status(503, { 'retry-after': '30' })).toMatchObject({ is: 'failed', pauseMs: 30_000 })
  expect(await status(429, { 'retry-after': '999999' })).toMatchObject({ pauseMs: 3_600_000 })
  expect(await status(503, { 'retry-after': 'Wed, 21 Oct 2099 07:28:00 GMT' })).toMatchObject({ pauseMs: undefined })
  expect(await status(500)).toEqual({ is: 'failed', why: 'it answered 500', pauseMs: undefined })
})

it('a redirection is no success: it is not followed', async () => {
  expect(await status(302, { location: 'http://127.0.0.1:1/' })).toMatchObject({ is: 'failed' })
})

it('a service that breaks off has not taken it', async () => {
  expect(await outcome((response) => response.destroy())).toMatchObject({ is: 'failed', why: expect.any(String) })
})
