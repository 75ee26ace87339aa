/** A device that was away for long, and what a device still has when messages are over: with a clock that the test sets. */
import { afterEach, expect, it, vi } from 'vitest'
import { unpacked } from '../../src/client/e2ee/packed.ts'
import type { Pairing } from '../../src/client/e2ee/pairing.ts'
import { memoryStorage, type Storage } from '../../src/client/index.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import { isQuiet, isSealed } from '../../src/protocol/sealed.ts'
import { spoilt } from '../client/e2ee/spoilt.ts'
import { Mallory, payload } from './mallory.ts'
import { start, url } from './nodes.ts'
import { endAll, reading } from './sealing.ts'

const patient = { timeout: 60_000 }
const dayMs = 86_400_000

afterEach(async () => {
  vi.useRealTimers()
  await endAll()
})

/** Only the date: nothing waits for it. */
const days = (count: number) => vi.useFakeTimers({ toFake: ['Date'], now: began + count * dayMs })
const began = Date.now()

it('who was away for 29 days reads all that was written meanwhile, under whichever prekey, when none for one use was left', async () => {
  await start({ e2ee: 'allowed', limits: { claimsOfOne: 1_000, claimsPerMinute: 10_000 } })
  days(0)
  const storage = memoryStorage()
  // It stays connected for long, so its signed prekey is older than usual when it goes.
  const first = await reading('bob', { storage })
  days(20)
  await first.client.close()
  const mallory = await Mallory.enter(url)
  for (let claim = 0; claim < 101; claim++) await mallory.claims('bob')
  expect((await mallory.claims('bob')).once).toBeUndefined()
  for (const name of ['alice', 'carol']) await (await reading(name)).client.send('bob', `from ${name}`)
  days(49)
  const bob = await reading('bob', { storage })
  await expect.poll(() => bob.got.toSorted(), patient).toEqual(['from alice', 'from carol'])
  expect(bob.unread).toEqual([])
})

it('what was under way while the signed prekey was changed four times is read', async () => {
  await start({ e2ee: 'allowed' })
  days(0)
  const storage = memoryStorage()
  let withholds = true
  const late = (frame: ServerFrame) =>
    withholds && frame[0] === 'message' && isSealed(frame[5]) && !isQuiet(frame[5]) ? undefined : frame
  let bob = await reading('bob', { storage, changed: late })
  await (await reading('alice')).client.send('bob', 'under the first')
  for (const day of [8, 16, 24, 29]) {
    await bob.client.close()
    days(day)
    withholds = day < 29
    bob = await reading('bob', { storage, changed: late })
  }
  const signed = ((await storage.load()).get('e2ee:me') as { signed: { number: number }[] }).signed
  expect(signed.map(({ number }) => number)).toEqual([1, 2, 3, 4])
  await expect.poll(() => bob.got, patient).toEqual(['under the first'])
})

it('a signed prekey from before one that was seen is not written to, whatever the server serves', async () => {
  await start({ e2ee: 'allowed' })
  days(0)
  const storages = { alice: memoryStorage(), bob: memoryStorage() }
  const served: unknown[] = []
  let old: unknown
  /** What Alice cannot read she asks for, in a pairing that she begins for that. */
  const changed = (frame: ServerFrame) => {
    if (frame[0] !== 'bundles') return spoilt(frame)
    served.push(frame[3])
    return old ? (Object.assign([...frame], { 3: old }) as unknown as ServerFrame) : frame
  }
  const under = async () => {
    const pairs = [...(await storages.alice.load())].filter(([key]) => key.startsWith('e2ee:pair:'))
    const pairings = pairs.flatMap(([, value]) => (value as Uint8Array[]).map((one) => unpacked(one) as Pairing))
    return pairings.flatMap(({ initiator, opening }) => (initiator.user === 'alice' ? [opening.signed] : [])).toSorted()
  }
  let bob = await reading('bob', { storage: storages.bob })
  let alice = await reading('alice', { storage: storages.alice, changed })
  await alice.client.send('bob', 'one')
  await bob.client.close()
  days(8)
  bob = await reading('bob', { storage: storages.bob })
  await bob.client.send('alice', 'two')
  await expect.poll(under, patient).toEqual([1, 2])
  await alice.client.close()
  ;[old] = served
  alice = await reading('alice', { storage: storages.alice, changed })
  await bob.client.send('alice', 'three')
  await expect.poll(() => served.length, patient).toBe(3)
  await alice.client.send('bob', 'four')
  await expect.poll(() => bob.got, patient).toContain('four')
  expect((await under()).filter((number) => number === 1).length).toBeLessThan(2)
})

it('what was read long ago, and openings under a prekey that is no more, do not stay, also where a program never ends', async () => {
  await start({ e2ee: 'allowed' })
  days(0)
  const storage = memoryStorage()
  const first = await reading('bob', { storage })
  const mallory = await Mallory.enter(url)
  const served = await mallory.claims('bob')
  const kept = async (kind: string) =>
    [...(await storage.load()).keys()].filter((key) => key.startsWith(`e2ee:${kind}:`))
  for (let n = 0; n < 3; n++)
    await mallory.says(await mallory.pairs('bob', served, false), 'bob', payload({ body: `${n}` }))
  await expect.poll(() => first.got.length, patient).toBe(3)
  await expect.poll(() => kept('answered'), patient).toHaveLength(3)
  expect((await kept('had')).length).toBeGreaterThan(1)
  days(38)
  const alice = await reading('alice')
  for (const text of ['later', 'and then']) await alice.client.send('bob', text)
  await expect.poll(() => first.got.length, patient).toBe(5)
  await expect.poll(async () => (await kept('had')).length, patient).toBeLessThan(3)
  await first.client.close()
  for (const day of [39, 77]) {
    days(day)
    await (await reading('bob', { storage })).client.close()
  }
  expect(await kept('answered')).toEqual([])
})

/** All that is in a storage, with what pairings have in them, as text. */
async function dump(storage: Storage): Promise<string> {
  const kept = await storage.load()
  const text = (value: unknown): string => {
    if (value instanceof Uint8Array) return `${Buffer.from(value).toString('latin1')}\n`
    if (value && typeof value === 'object')
      return Object.entries(value)
        .map(([key, one]) => `${key} ${text(one)}`)
        .join()
    return `${String(value)}\n`
  }
  return [...kept].map(([key, value]) => `${key}: ${text(value)}`).join('')
}
async function keysKept(storage: Storage): Promise<number> {
  const pairs = [...(await storage.load())].filter(([key]) => key.startsWith('e2ee:pair:'))
  const pairings = pairs.flatMap(([, value]) => (value as Uint8Array[]).map((one) => unpacked(one) as Pairing))
  return pairings.reduce((sum, { ratchet }) => sum + ratchet.unfinished.size + ratchet.skipped.size, 0)
}

it('what has vanished, or was deleted, is in no storage: no text, no key, and nothing to be said again', async () => {
  await start({ e2ee: 'allowed' })
  const [alice, bob] = [await reading('alice'), await reading('bob')]
  await alice.client.setLifetime('bob', 'delivered 1000')
  await alice.client.send('bob', 'a canary that vanishes')
  await expect.poll(() => bob.got, patient).toContain('a canary that vanishes')
  await bob.client.setLifetime('alice', 'default')
  await bob.client.send('alice', 'a canary that stays')
  await expect.poll(() => alice.got, patient).toContain('a canary that stays')
  await alice.client.send('bob', 'a canary that is deleted')
  await expect.poll(() => bob.got, patient).toContain('a canary that is deleted')
  await alice.client.delete('bob')
  await bob.client.delete('alice')
  for (const { storage } of [alice, bob]) await expect.poll(() => dump(storage), patient).not.toContain('a canary')
  for (const { storage } of [alice, bob]) await expect.poll(() => keysKept(storage), patient).toBe(0)
})
