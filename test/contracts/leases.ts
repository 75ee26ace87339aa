/** What every store must do with leases. Times are the callers': a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { Store } from '../../src/store/contract.ts'

type Options = TestOptions & { readonly reopen?: (closed: Store) => Store }

export function leaseContract(
  name: string,
  make: () => Store | Promise<Store>,
  { reopen, ...options }: Options = {},
): void {
  describe(`leases: ${name}`, options, () => {
    const now = Date.now()
    let store: Store
    beforeEach(async () => {
      store = await make()
      await store.open()
    })
    afterEach(() => store.close())

    it('gives a name to one holder until its time', async () => {
      const lease = await store.takeLease('shard 1', 'a', now, now + 5_000)
      expect(lease).toEqual({ holder: 'a', term: expect.any(Number), until: now + 5_000 })
      expect(await store.takeLease('shard 1', 'b', now, now + 9_000)).toEqual(lease)
      expect(await store.takeLease('shard 1', 'b', now + 4_999, now + 9_000)).toEqual(lease)
      expect(await store.takeLease('shard 1', 'b', now + 5_000, now + 9_000)).toMatchObject({ holder: 'b' })
      expect(await store.takeLease('shard 2', 'c', now, now + 5_000)).toMatchObject({ holder: 'c' })
    })

    it('comes with a higher term each time it is taken, higher than any that was given', async () => {
      const before = await store.takeTerm()
      const first = await store.takeLease('one', 'a', now, now + 5_000)
      const next = await store.takeLease('one', 'b', now + 5_000, now + 9_000)
      const own = await store.takeLease('one', 'b', now + 9_000, now + 12_000)
      const terms = [before, first.term, next.term, own.term, await store.takeTerm()]
      expect(terms).toEqual([...new Set(terms)].sort((a, b) => a - b))
    })

    it('may be taken again by who has it, under the same term: the first answer was lost', async () => {
      const lease = await store.takeLease('one', 'a', now, now + 5_000)
      expect(await store.takeLease('one', 'a', now + 100, now + 5_100)).toEqual({ ...lease, until: now + 5_100 })
      expect(await store.takeLease('one', 'a', now + 200, now + 300)).toEqual({ ...lease, until: now + 5_100 })
    })

    it('is held longer by who has it, as long as it has not run out', async () => {
      const lease = await store.takeLease('one', 'a', now, now + 5_000)
      expect(await store.renewLease('one', lease, now + 4_000, now + 9_000)).toBe(true)
      expect(await store.renewLease('one', lease, now + 4_001, now + 6_000)).toBe(true)
      expect(await store.takeLease('one', 'b', now + 8_999, now + 20_000)).toEqual({ ...lease, until: now + 9_000 })
      expect(await store.renewLease('one', lease, now + 9_000, now + 12_000)).toBe(false)
      const next = await store.takeLease('one', 'b', now + 9_000, now + 20_000)
      expect(next.holder).toBe('b')
      expect(await store.renewLease('one', lease, now + 9_001, now + 12_000)).toBe(false)
      expect(await store.renewLease('one', { ...next, term: next.term - 1 }, now + 9_001, now + 30_000)).toBe(false)
      expect(await store.renewLease('other', next, now + 9_001, now + 30_000)).toBe(false)
    })

    it('is free at once when it is given back, by its holder only', async () => {
      const lease = await store.takeLease('one', 'a', now, now + 5_000)
      await store.releaseLease('one', { ...lease, holder: 'b' })
      await store.releaseLease('one', { ...lease, term: lease.term - 1 })
      expect(await store.takeLease('one', 'b', now + 1, now + 6_000)).toEqual(lease)
      for (let times = 0; times < 2; times++) await store.releaseLease('one', lease)
      const next = await store.takeLease('one', 'b', now + 1, now + 6_000)
      expect(next.holder).toBe('b')
      expect(next.term).toBeGreaterThan(lease.term)
      await store.releaseLease('one', lease)
      expect(await store.takeLease('one', 'c', now + 2, now + 7_000)).toEqual(next)
    })

    it('is given to one of many who ask at once', async () => {
      const holders = Array.from({ length: 20 }, (_, n) => `node ${n}`)
      const answers = await Promise.all(holders.map((holder) => store.takeLease('one', holder, now, now + 5_000)))
      expect(new Set(answers.map((lease) => JSON.stringify(lease))).size).toBe(1)
    })

    it('rejects after close', async () => {
      await store.close()
      await expect(store.takeLease('one', 'a', now, now + 1)).rejects.toMatchObject({ code: 'closed' })
      await store.open()
    })

    it.runIf(reopen)('is there when the store is opened again', async () => {
      const lease = await store.takeLease('one', 'a', now, now + 5_000)
      await store.close()
      store = (reopen as NonNullable<typeof reopen>)(store)
      await store.open()
      expect(await store.takeLease('one', 'b', now + 1, now + 6_000)).toEqual(lease)
    })
  })
}
