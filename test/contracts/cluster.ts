/** What every store must do of which several nodes agree: the rows of the simulation, too, or it would prove nothing. */
import { beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { ClusterStore, MemberRow, ShardRow } from '../../src/store/contract.ts'

/** `make` answers rows of which nobody has written any. */
export function clusterContract(name: string, make: () => Promise<ClusterStore>, options: TestOptions = {}): void {
  describe(`what nodes agree on: ${name}`, options, () => {
    let store: ClusterStore
    beforeEach(async () => {
      store = await make()
    })
    const renew = (life: number, beat: number, first = false) => store.renew(life, beat, first, 20_000)
    const member = (life: number, name: string): MemberRow => ({
      life,
      name,
      state: 'up',
      dc: 'dc1',
      link: `${name}:1`,
      proto: 1,
    })

    describe('a life', () => {
      it('is there from its first beat on, which is made once', async () => {
        expect(await store.lives([7, 8])).toEqual(new Map())
        expect(await renew(7, 1)).toBeUndefined()
        expect(await renew(7, 1, true)).toEqual({ state: 'up', beat: 1 })
        expect(await renew(7, 2, true)).toEqual({ state: 'up', beat: 1 })
        expect(await store.lives([7, 8])).toEqual(new Map([[7, { state: 'up', beat: 1 }]]))
      })

      it('has a beat that only rises, whatever comes late', async () => {
        await renew(7, 1, true)
        expect(await renew(7, 5)).toEqual({ state: 'up', beat: 5 })
        expect(await renew(7, 4)).toEqual({ state: 'up', beat: 5 })
        expect(await renew(7, 5)).toEqual({ state: 'up', beat: 5 })
      })

      it('is marked dead with the beat that was seen, and stays so', async () => {
        await renew(7, 1, true)
        await renew(7, 2)
        expect(await store.mark(7, 1)).toEqual({ state: 'up', beat: 2 })
        expect(await store.mark(7, 2)).toMatchObject({ state: 'dead' })
        expect(await renew(7, 3)).toMatchObject({ state: 'dead' })
        expect(await renew(7, 3, true)).toMatchObject({ state: 'dead' })
        expect(await store.mark(7, 2)).toMatchObject({ state: 'dead' })
        expect((await store.lives([7])).get(7)).toMatchObject({ state: 'dead' })
      })

      it('is marked dead whatever its beat is, by who knows that it has ended', async () => {
        await renew(7, 9, true)
        expect(await store.mark(7, null)).toMatchObject({ state: 'dead' })
        expect(await store.mark(8, null)).toBeUndefined()
      })
    })

    describe('the members', () => {
      it('are one list, changed as a whole, by who has its last number', async () => {
        expect(await store.members()).toEqual({ view: 0, rows: [] })
        const [a, b, c] = [member(7, 'a'), member(8, 'b'), member(9, 'c')]
        expect(await store.change(0, a, [])).toBe(true)
        expect(await store.change(0, b, [])).toBe(false)
        expect(await store.change(1, b, [])).toBe(true)
        expect(await store.members()).toEqual({ view: 2, rows: [a, b] })
        expect(await store.change(2, c, [7, 8])).toBe(true)
        expect(await store.change(3, { ...c, state: 'leaving' }, [])).toBe(true)
        expect(await store.members()).toEqual({ view: 4, rows: [{ ...c, state: 'leaving' }] })
        expect(await store.change(4, null, [9])).toBe(true)
        expect(await store.members()).toEqual({ view: 5, rows: [] })
      })

      it('are changed by one of many who want to at once', async () => {
        const changes = Array.from({ length: 5 }, (_, n) =>
          store.change(0, member(n + 1, `n${n}`), []).catch(() => false),
        )
        expect((await Promise.all(changes)).filter((ok) => ok).length).toBeLessThanOrEqual(1)
        const { view, rows } = await store.members()
        expect(rows).toHaveLength(view)
      })
    })

    it('knows who had the store for itself last', async () => {
      expect(await store.alone()).toBe(0)
      for (const life of [3, 7]) await store.beAlone(life)
      expect(await store.alone()).toBe(7)
    })

    describe('the shards', () => {
      const to = (row: ShardRow, owner: number, term = row.term + 1) => ({ from: row, to: { ...row, owner, term } })
      const all = async () => [...(await store.shards())].sort((a, b) => a.shard - b.shard)

      it('are made once, all nobody’s: a keyspace keeps their number', async () => {
        expect(await store.makeShards(130)).toBe(130)
        const rows = await all()
        expect(rows.map(({ shard, owner }) => [shard, owner])).toEqual(Array.from({ length: 130 }, (_, n) => [n, 0]))
        expect(await store.makeShards(1_024)).toBe(130)
        expect(await all()).toEqual(rows)
      })

      it('move together, all or none; the rows tell whose they are', async () => {
        await store.makeShards(130)
        const [, first, second] = (await all()) as [ShardRow, ShardRow, ShardRow]
        const moves = [to(first, 7), to(second, 8)]
        expect(await store.move(moves)).toEqual(moves.map((move) => move.to))
        const late = [to(first, 9), to({ ...second, owner: 8, term: second.term + 1 }, 9)]
        expect(await store.move(late)).toEqual(moves.map((move) => move.to))
        expect((await all()).filter(({ owner }) => owner !== 0)).toEqual(moves.map((move) => move.to))
        const moved = (await all())[2] as ShardRow
        expect(await store.move([to(moved, 7)])).toEqual([{ shard: 2, owner: 7, term: moved.term + 1 }])
      })
    })
  })
}
