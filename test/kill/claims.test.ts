/** A node that is killed with -9 while many claim what a device has left: no prekey for one use is given twice. Rounds by KILL_ROUNDS. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { bundlesIn } from '../../src/protocol/keys/bundles.ts'
import { serve } from '../contracts/kill.ts'
import { closeAll, dial, type Frame } from '../e2e/raw.ts'
import { freePort } from '../ports.ts'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 5)
const claimers = 8

let server: ChildProcess | undefined
afterEach(() => {
  closeAll()
  server?.kill('SIGKILL')
})

it(`gives none twice in ${rounds} rounds, and answers each claim`, async () => {
  const port = await freePort()
  const url = `ws://127.0.0.1:${port}`
  const options = ['--data', mkdtempSync(join(tmpdir(), 'bluetick-claims-')), '--e2ee', 'allowed']
  const limits = ['claimsOfOne=100000', 'claimsPerMinute=100000', 'keyChangesPerMinute=100000']
  const store = [...options, ...limits.flatMap((limit) => ['--limit', limit])]
  const given: string[] = []
  server = await serve(port, store)
  const bob = connect({ url, token: 'bob', e2ee: e2ee() })
  await bob.e2ee?.place()
  for (let round = 0; round < rounds; round++) {
    bob.retryNow()
    await expect.poll(() => bob.connection.is).toBe('online')
    // A kill at any of the moments between what the store has and what is answered.
    const until = given.length + 1 + Math.floor(Math.random() * 60)
    await new Promise<void>((resolve, reject) => {
      const heard = (frame: Frame, say: (...frame: Frame) => void) => {
        if (frame[0] === 'error') reject(new Error(String(frame)))
        if (frame[0] === 'bundles') given.push(...numbersIn(frame))
        if (given.length >= until) resolve()
        if (frame[0] === 'welcome' || frame[0] === 'bundles') say('claim', String(given.length), 'bob', 'bob')
      }
      for (let n = 0; n < claimers; n++) dial(url, `claimer ${n}`, 'phone', heard).catch(reject)
    })
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
    server = await serve(port, store)
  }
  await bob.close()
  expect(given.length).toBeGreaterThanOrEqual(rounds)
  expect(new Set(given).size).toBe(given.length)
})

/** Those of prekeys for one use. */
function numbersIn([, , , bytes]: Frame): string[] {
  const bundles = bundlesIn(Buffer.from((bytes as { base64: string }).base64, 'base64')) ?? []
  return bundles.flatMap(({ identity, once }) =>
    once ? [`${Buffer.from(identity).toString('hex')} ${once.number}`] : [],
  )
}
