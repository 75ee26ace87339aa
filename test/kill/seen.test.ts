/** A node that is killed while people are online: when they were last seen is known afterwards, to about a minute. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { connect, type Presence } from '../../src/client/index.ts'
import { hash } from '../../src/runtime/index.ts'
import { freePort } from '../ports.ts'

let server: ChildProcess | undefined
afterEach(() => server?.kill('SIGKILL'))

const port = await freePort()
const data = mkdtempSync(join(tmpdir(), 'bluetick-seen-'))
async function serve(): Promise<void> {
  const run = ['dist/src/cli/main.js', 'serve', '--port', String(port), '--data', data, '--online-ms', '0']
  const started = spawn(process.execPath, run)
  server = started
  await new Promise<void>((resolve, reject) => {
    started.stdout.on('data', (text) => String(text).includes('listens') && resolve())
    started.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
}
async function killed(): Promise<void> {
  const ended = once(server as ChildProcess, 'exit')
  server?.kill('SIGKILL')
  await ended
}

/** Of a tenth of the users that is saved 5 s after the start: others would have to be waited for longer. */
const alice = Array.from({ length: 100 }, (_, n) => `alice ${n}`).find((name) => hash(name) % 10 === 2) as string

it('knows when somebody was online who never left', async () => {
  const url = `ws://127.0.0.1:${port}`
  let [stayedMs, aliveAt] = [6_000, 0]
  for (let seenMs = -1; seenMs < 3_000; stayedMs += 4_000) {
    await serve()
    const here = connect({ url, token: alice })
    await expect.poll(() => here.connection.is).toBe('online')
    const since = Date.now()
    // A slow machine may need longer for it.
    await new Promise((resolve) => setTimeout(resolve, stayedMs))
    aliveAt = Date.now()
    await killed()
    await here.close()
    await serve()
    const bob = connect({ url, token: 'bob' })
    const presence = await new Promise<Presence>((resolve) => bob.watch(alice, resolve))
    expect(presence.online).toBe(false)
    seenMs = presence.online ? -1 : (presence.lastSeen?.getTime() ?? 0) - since
    expect(seenMs).toBeLessThanOrEqual(aliveAt - since)
    await bob.close()
    await killed()
  }
})
