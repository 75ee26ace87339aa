import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Seq, UserId } from '../../src/protocol/ids.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { message, user } from '../contracts/store.ts'

const all = Number.MAX_SAFE_INTEGER
const users = ['ann', 'bob', 'cem'].map(user)

type Step =
  | { readonly is: 'append'; readonly user: UserId; readonly sizes: readonly number[] }
  /** Sends what was appended last once more, as after an unknown outcome. */
  | { readonly is: 'repeat'; readonly user: UserId }
  | { readonly is: 'move' | 'reopen' }

const someone = fc.constantFrom(...users)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('append' as const),
      user: someone,
      sizes: fc.array(fc.constantFrom(0, 10, 900, 3_599, 9_000, 60_000), { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('repeat' as const), user: someone }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('move' as const, 'reopen' as const) }) },
)

describe('the journal of the embedded store', () => {
  it('answers as if appends went straight to the inboxes, also when they overtake their move, and after a start', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const path = mkdtempSync(join(tmpdir(), 'bluetick-journal-'))
        const model = memoryStore()
        await model.open()
        let store = lmdbStore(path)
        await store.open()
        const tails = new Map<UserId, Seq>()
        const last = new Map<UserId, Parameters<typeof store.append>>()
        const under: Promise<unknown>[] = []
        for (const next of steps) {
          if (next.is === 'append') {
            const tail = tails.get(next.user) ?? 0
            const entries = next.sizes.map((size, n) => message(tail + n + 1, Date.now(), 'x'.repeat(size)))
            tails.set(next.user, tail + entries.length)
            last.set(next.user, [next.user, 7, 1, entries])
            await model.append(next.user, 7, 1, entries)
            const append = store.append(next.user, 7, 1, entries)
            under.push(append)
            if (next.sizes.length % 2 === 0) await append
          } else if (next.is === 'repeat') {
            const append = last.get(next.user)
            if (append) under.push(store.append(...append))
          } else if (next.is === 'move') under.push(store.expire(0))
          else {
            await Promise.all(under)
            await store.close()
            store = lmdbStore(path)
            await store.open()
          }
        }
        await Promise.all(under)
        for (const user of users) {
          expect(await store.load(user)).toEqual(await model.load(user))
          const entries = await model.read(user, 1, all, all, 0)
          for (const from of [1, 2, entries.length])
            expect(await store.read(user, from, all, all, 0)).toEqual(await model.read(user, from, all, all, 0))
          const keys = entries.flatMap((entry) => (entry.is === 'message' ? { sender: entry.from, id: entry.id } : []))
          expect(await store.findRepeats(user, keys, 0)).toEqual(await model.findRepeats(user, keys, 0, all))
        }
        await store.close()
        rmSync(path, { recursive: true })
      }),
      { numRuns: 30 },
    )
  })

  it('has everything that it said was durable when it is killed while entries move', async () => {
    const path = mkdtempSync(join(tmpdir(), 'bluetick-journal-'))
    const script = `
      import { lmdbStore } from ${JSON.stringify(new URL('../../dist/src/store/lmdb.js', import.meta.url).href)}
      const store = lmdbStore(${JSON.stringify(path)})
      await store.open()
      const id = (seq) => '00000000-0000-7000-8000-' + String(seq).padStart(12, '0')
      for (let seq = 1; ; seq += 64) {
        const entries = Array.from({ length: 64 }, (_, n) => ({ is: 'message', seq: seq + n, time: 1000, id: id(seq + n), from: 'alice', body: 'm' + (seq + n) }))
        await Promise.all(['ann', 'bob', 'cem'].map((user) => store.append(user, 7, 1, entries)))
        process.stdout.write(seq + 63 + '\\n')
      }`
    for (const moment of [5_300, 5_500, 6_500, 11_000]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (text) => {
        said += text
        if (Number(said.trim().split('\n').at(-1)) > moment) child.kill('SIGKILL')
      })
      await new Promise((resolve) => child.once('close', resolve))
      const durable = Number(said.trim().split('\n').at(-1))
      const store = lmdbStore(path)
      await store.open()
      for (const user of users) {
        const tail = (await store.load(user))?.tail ?? 0
        expect(tail).toBeGreaterThanOrEqual(durable)
        const bodies = (await store.read(user, 1, all, all, 0)).map((entry) => entry.is === 'message' && entry.body)
        expect(bodies).toEqual(Array.from({ length: tail }, (_, n) => `m${n + 1}`))
      }
      await store.close()
      rmSync(path, { recursive: true })
    }
  })

  it('keeps head and tail of an inbox when entries move to it while others of it expire', async () => {
    const now = Date.now()
    const old = now - 40 * 86_400_000
    const [, bob] = users as [UserId, UserId, UserId]
    for (let turns = 0; turns < 8; turns++) {
      const store = lmdbStore(mkdtempSync(join(tmpdir(), 'bluetick-journal-')))
      await store.open()
      await store.append(bob, 7, 1, [message(1, old), message(2, old)])
      await store.history(bob, bob, null, 1, 1)
      const comes = async () => {
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        await store.append(bob, 7, 1, [message(3, now)])
        await store.history(bob, bob, null, 1, 1)
      }
      await Promise.all([store.expire(now), comes()])
      expect(await store.load(bob)).toMatchObject({ head: 3, tail: 3 })
      expect(await store.read(bob, 1, 10, all, now)).toEqual([message(3, now)])
      await store.close()
    }
  })
})
