/** A node that is killed with -9 while many claim what a device has left: no prekey for one use is given twice. Rounds by KILL_ROUNDS. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import { connect } from '../../src/client/index.ts'
import { serve } from '../contracts/kill.ts'
import { Claims, claimLimits } from '../e2e/claiming.ts'
import { closeAll } from '../e2e/raw.ts'
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
  const store = [...options, ...Object.entries(claimLimits).flatMap(([name, most]) => ['--limit', `${name}=${most}`])]
  const claims = new Claims()
  const { given } = claims
  server = await serve(port, store)
  const bob = connect({ url, token: 'bob', e2ee: e2ee() })
  await bob.e2ee?.place()
  for (let round = 0; round < rounds; round++) {
    bob.retryNow()
    await expect.poll(() => bob.connection.is).toBe('online')
    // A kill at any of the moments between what the store has and what is answered.
    const until = given.length + 1 + Math.floor(Math.random() * 60)
    await new Promise<void>((resolve, reject) => {
      const heard = () => {
        if (claims.refused.length > 0) reject(new Error(String(claims.refused)))
        if (given.length >= until) resolve()
        return true
      }
      claims.begin(url, claimers, 'bob', heard).catch(reject)
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
