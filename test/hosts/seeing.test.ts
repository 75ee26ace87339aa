/** When those who are online were last seen is in the store, a minute old at most, and whoever is idle costs nothing. */
import { expect, it } from 'vitest'
import type { Presence } from '../../actors/presence.ts'
import { seeing } from '../../src/hosts/seeing.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import { memoryStore } from '../../src/index.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import type { PresenceStore } from '../../src/store/contract.ts'

const time = 1_700_000_000_000
const user = (n: number) => `user-${n}@chat.example` as UserId

async function run(threshold: number, count: number) {
  const store = memoryStore()
  await store.open()
  const writes: number[] = []
  const counting = Object.assign(Object.create(store), {
    saveLastSeen(seen: ReadonlyMap<UserId, number>) {
      writes.push(seen.size)
      return store.saveLastSeen(seen)
    },
  })
  let monotonic = 1
  const clock = { now: () => time + monotonic, monotonic: () => monotonic }
  const devices = new Map<UserId, Presence>()
  const at = (n: number, activeAt: number, away = false) => devices.set(user(n), { session: n + 1, activeAt, away })
  for (let n = 0; n < count; n++) at(n, monotonic)
  const spellOf = oneSpell<PresenceStore>(counting, 1)
  let looks = 0
  function* stirring(): Generator<readonly [UserId, Presence]> {
    for (const one of devices) {
      looks += 1
      yield one
    }
  }
  const settled = (session: number) => void devices.delete(user(session - 1))
  const chore = seeing({ stirring, settled }, spellOf, clock, threshold)
  /** As `kill -9` finds it after so long. */
  const pass = async (ms: number, also = () => {}) => {
    writes.length = 0
    for (let left = ms; left > 0; left -= chore.everyMs) {
      monotonic += chore.everyMs
      also()
      looks = 0
      await chore.task()
    }
    return writes
  }
  const seen = async (n: number) => ((await store.lastSeen(user(n))) ?? 0) - time
  return { pass, seen, at, now: () => monotonic, looks: () => looks }
}

it('saves everyone when they were active, while they count as online, and then nothing; spread over a minute', async () => {
  const { pass, seen, looks } = await run(20_000, 2_000)
  const writes = await pass(100_000)
  const saved = writes.reduce((sum, count) => sum + count, 0)
  expect(saved).toBeGreaterThanOrEqual(2_000)
  expect(saved).toBeLessThan(4_000)
  expect(Math.max(...writes)).toBeLessThan(300)
  expect(await seen(7)).toBeLessThanOrEqual(20_000)
  expect(await pass(600_000)).toEqual([])
  expect(looks()).toBe(0)
})

it('loses a minute at most of who is online, whether by what they do or by being connected', async () => {
  const acting = await run(20_000, 10)
  await acting.pass(300_000, () => {
    for (let n = 0; n < 10; n++) acting.at(n, acting.now())
  })
  const connected = await run(0, 10)
  await connected.pass(300_000)
  for (const { seen, now } of [acting, connected])
    for (let n = 0; n < 10; n++) expect(now() - (await seen(n))).toBeLessThanOrEqual(60_000)
})

it('knows the last activity of who went away to another app meanwhile, and nothing of who never was there', async () => {
  const { pass, seen, at, now } = await run(20_000, 0)
  await pass(120_000)
  const activeAt = now()
  at(1, activeAt, true)
  at(2, 0, true)
  await pass(60_000)
  expect([await seen(1), await seen(2)]).toEqual([activeAt, -time])
})
