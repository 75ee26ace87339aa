/** A node that is killed while it erases a user, again and again: the next one goes on with it, and nothing of the user is left. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { message, settings, user } from '../contracts/store.ts'
import { freePort } from '../ports.ts'

let server: ChildProcess | undefined
afterEach(() => server?.kill('SIGKILL'))

const [bob, carol] = [user('bob'), user('carol')]
const data = mkdtempSync(join(tmpdir(), 'bluetick-erasing-'))
const marker = 'zyxwvuts of bob'
const [count, kills] = [8_000, 6]

/** So much that it is taken away in many transactions, of which each takes some milliseconds. */
async function fill(): Promise<void> {
  const store = lmdbStore(data)
  await store.open()
  for (let from = 1; from <= count; from += 500) {
    const some = Array.from({ length: 500 }, (_, n) => {
      const entry = message(from + n, Date.now(), `${marker} ${'.'.repeat(500)}`)
      return (n % 2 ? { ...entry, lifetime: 'permanent' } : entry) as Entry
    })
    await store.append(bob, 7, 1, some)
  }
  await store.append(carol, 8, 1, [message(1, Date.now(), 'what carol has')])
  await store.saveSettings(bob, { ...settings, blocked: [user(marker)] })
  await store.close()
}

async function serve(): Promise<string> {
  const port = await freePort()
  const run = ['dist/src/cli/main.js', 'serve', '--port', String(port), '--data', data]
  const started = spawn(process.execPath, run)
  server = started
  await new Promise<void>((resolve, reject) => {
    started.stdout.on('data', (text) => String(text).includes('listens') && resolve())
    started.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
  return `http://127.0.0.1:${port}/admin/v1`
}
const headers = () => ({ authorization: `Bearer ${readFileSync(join(data, 'operator-token'), 'utf8').trim()}` })
async function stopped(signal: NodeJS.Signals): Promise<void> {
  const ended = once(server as ChildProcess, 'exit')
  server?.kill(signal)
  await ended
}

/** How many of the inbox and of the history are there still. */
async function left(): Promise<{ readonly held: number; readonly kept: number }> {
  const store = lmdbStore(data)
  await store.open()
  const { tail = 0, head = 1 } = (await store.load(bob)) ?? {}
  expect(tail).toBe(count)
  const entries = await store.read(bob, 1, count, Number.MAX_SAFE_INTEGER, Date.now())
  // What is held follows without a hole, as where the oldest have expired.
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: tail - head + 1 }, (_, n) => head + n))
  const history = await store.history(bob, user('alice'), null, count, Number.MAX_SAFE_INTEGER)
  await store.close()
  return { held: entries.length, kept: history.length }
}

const listed = async (url: string, list: 'bans' | 'erasures'): Promise<readonly unknown[]> =>
  (await (await fetch(`${url}/${list}`, { headers: headers() })).json())[list]
const bans = (url: string) => listed(url, 'bans')
/** Whose erasure is not over. */
const erasures = (url: string) => listed(url, 'erasures')

it('is done by itself, wherever the node was killed, and leaves an inbox without a hole in between', async () => {
  await fill()
  const first = await serve()
  const asked = fetch(`${first}/users/bob`, { method: 'DELETE', headers: headers() }).catch(() => {})
  // The ban is behind the mark that it is begun: before that nothing was, and nobody was told so.
  await expect.poll(() => bans(first), { timeout: 60_000 }).toEqual(['bob'])
  await stopped('SIGKILL')
  await asked
  for (let n = 1; n < kills; n++) {
    await left()
    await serve()
    // Later each time; on a machine that is fast it is done before.
    await new Promise((resolve) => setTimeout(resolve, n * 15))
    await stopped('SIGKILL')
  }
  await left()
  const url = await serve()
  await expect.poll(() => erasures(url), { timeout: 300_000 }).toEqual([])
  expect(await bans(url)).toEqual(['bob'])
  await stopped('SIGTERM')
  expect(await left()).toEqual({ held: 0, kept: 0 })
  const store = lmdbStore(data)
  await store.open()
  await store.compact()
  expect(filesWith(marker.slice(0, 8))).toEqual([])
  expect(filesWith('what carol has')).toEqual(['bluetick.mdb'])
}, 600_000)

const filesWith = (text: string): string[] =>
  readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(data, name)).isFile() && readFileSync(join(data, name)).includes(text),
  )
