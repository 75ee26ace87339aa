/** What every store must do with public keys: each change on a condition, so that nobody undoes another's. */
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { ShelfRow, Store } from '../../src/store/contract.ts'
import { user } from './store.ts'

type Options = TestOptions & { readonly reopen?: (closed: Store) => Store }

export function keyContract(
  name: string,
  make: () => Store | Promise<Store>,
  { reopen, ...options }: Options = {},
): void {
  describe(`public keys: ${name}`, options, () => {
    const [bob, bobby] = [user('bob'), user('bobby')]
    let store: Store
    beforeEach(async () => {
      store = await make()
      await store.open()
    })
    afterEach(() => store.close())
    const bytes = (...numbers: number[]) => Uint8Array.from(numbers)
    const row = (version: number, once = bytes(version)): ShelfRow => ({ version, shelf: bytes(9, version), once })
    const reopened = async () => {
      await store.close()
      store = reopen?.(store) ?? store
      await store.open()
    }

    it('keeps links in their order, each once, also over a restart', async () => {
      expect(await store.links(bob, 1)).toEqual([])
      expect(await store.addLink(bob, 1, bytes(1, 0))).toBe(true)
      expect(await store.addLink(bob, 2, bytes(2))).toBe(true)
      expect(await store.addLink(bob, 2, bytes(7))).toBe(false)
      expect(await store.addLink(bobby, 1, bytes(8))).toBe(true)
      for (let n = 3; n <= 12; n++) await store.addLink(bob, n, bytes(n))
      await reopened()
      expect(await store.links(bob, 1)).toEqual([bytes(1, 0), ...Array.from({ length: 11 }, (_, at) => bytes(at + 2))])
      expect(await store.links(bob, 12)).toEqual([bytes(12)])
      expect(await store.links(bob, 13)).toEqual([])
    })

    it('gives the place of a link to one of several who want it at once', async () => {
      const wanted = Array.from({ length: 8 }, (_, at) => bytes(at))
      const given = await Promise.all(wanted.map((link) => store.addLink(bob, 1, link)))
      expect(given.filter(Boolean)).toHaveLength(1)
      expect(await store.links(bob, 1)).toEqual([wanted[given.indexOf(true)]])
    })

    it('replaces a shelf by the next version of it alone, also over a restart', async () => {
      expect(await store.shelf(bob, 'ab')).toBeUndefined()
      expect(await store.saveShelf(bob, 'ab', row(2))).toBe(false)
      expect(await store.saveShelf(bob, 'ab', row(1))).toBe(true)
      expect(await store.saveShelf(bob, 'ab', row(1))).toBe(false)
      expect(await store.saveShelf(bob, 'ab', row(2, bytes()))).toBe(true)
      expect(await store.saveShelf(bob, 'ab', row(4))).toBe(false)
      await reopened()
      expect(await store.shelf(bob, 'ab')).toEqual(row(2, bytes()))
      expect(await store.saveShelf(bob, 'ab', row(3))).toBe(true)
      expect(await store.shelf(bob, 'ab')).toEqual(row(3))
    })

    it('keeps the shelves of a user apart, names them, and takes one away', async () => {
      for (const identity of ['ab', 'abc', 'cd']) await store.saveShelf(bob, identity, row(1))
      await store.saveShelf(bobby, 'ab', row(1, bytes(5)))
      await store.dropShelf(bob, 'ab')
      await store.dropShelf(bob, 'ab')
      expect([...(await store.shelves(bob))].sort()).toEqual(['abc', 'cd'])
      expect(await store.shelf(bob, 'ab')).toBeUndefined()
      expect(await store.shelf(bobby, 'ab')).toEqual(row(1, bytes(5)))
      expect(await store.saveShelf(bob, 'ab', row(2))).toBe(false)
    })

    it('takes one change of a shelf, of many that are made of the same version', async () => {
      await store.saveShelf(bob, 'ab', row(1))
      const given = await Promise.all(
        Array.from({ length: 8 }, (_, at) => store.saveShelf(bob, 'ab', row(2, bytes(at)))),
      )
      expect(given.filter(Boolean)).toHaveLength(1)
      expect((await store.shelf(bob, 'ab'))?.once).toEqual(bytes(given.indexOf(true)))
    })
  })
}
