/** What a session costs its user's node where it is on another one. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

it.each([20_000, 26_000])('is at most 150 bytes, of %i sessions', async (sessions) => {
  const child = fork('dist/bench/far.js')
  child.send({ n: 1, ask: 'bytes', with: sessions })
  const [reply] = (await once(child, 'message')) as [{ answer?: number; error?: string }]
  child.kill()
  expect(reply.error).toBeUndefined()
  expect(reply.answer).toBeGreaterThan(50)
  expect(reply.answer).toBeLessThanOrEqual(150)
})
