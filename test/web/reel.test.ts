/** Which lines of the open chat the document has. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Line } from '../../src/client/chats/index.ts'
import { Reel } from '../../src/web/reel.ts'

const line = (order: number, text = ''): Line => ({ id: `id-${order}`, order, text }) as Line
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => line(from + n))
const orders = (reel: Reel) => reel.window.map(({ order }) => order)

describe('the reel', () => {
  it('draws the end of a chat, or what is around a line, and more at its edges', () => {
    const reel = new Reel()
    reel.start(lines(1, 500), undefined)
    expect([orders(reel).at(0), orders(reel).at(-1), reel.isAtEnd]).toEqual([461, 500, true])
    expect(reel.up()).toBe(true)
    expect([orders(reel).at(0), orders(reel).at(-1)]).toEqual([421, 500])
    reel.start(lines(1, 500), line(200))
    expect([orders(reel).at(0), orders(reel).at(-1), reel.before?.order]).toEqual([180, 219, 179])
    reel.trim(5, 5)
    expect([orders(reel).at(0), orders(reel).at(-1)]).toEqual([185, 214])
    reel.start(lines(1, 3), undefined)
    expect([orders(reel), reel.up(), reel.down()]).toEqual([[1, 2, 3], false, false])
  })

  it('holds a bounded number of lines', () => {
    const reel = new Reel()
    for (let n = 0; n < 100; n++) {
      reel.put(lines(n * 100, n * 100 + 99))
      reel.toEnd()
      expect(reel.lines.length).toBeLessThan(4_200)
    }
    expect(orders(reel).at(-1)).toBe(9_999)
  })

  it('keeps its lines in order and each once, and what is drawn drawn, whatever comes and goes', () => {
    const some = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 30 })
    const acts = fc.array(
      fc.oneof(
        fc.record({ is: fc.constantFrom('put' as const, 'drop' as const), orders: some }),
        fc.record({ is: fc.constantFrom('up' as const, 'down' as const, 'toEnd' as const) }),
      ),
    )
    fc.assert(
      fc.property(acts, (acts) => {
        const reel = new Reel()
        const there = new Set<number>()
        for (const act of acts) {
          const before = orders(reel)
          if (act.is === 'put') {
            const fresh = reel.put(act.orders.map((order) => line(order)))
            expect(new Set(fresh.map(({ order }) => order))).toEqual(
              new Set(act.orders.filter((order) => !there.has(order))),
            )
            for (const order of act.orders) there.add(order)
            expect(orders(reel)).toEqual(expect.arrayContaining(before))
          } else if (act.is === 'drop') {
            reel.drop(act.orders.map((order) => line(order)))
            for (const order of act.orders) there.delete(order)
            expect(orders(reel)).toEqual(before.filter((order) => there.has(order)))
          } else reel[act.is]()
          expect(reel.lines.map(({ order }) => order)).toEqual([...there].sort((a, b) => a - b))
          if (reel.lines.length > 0 && act.is === 'toEnd') expect(reel.isAtEnd).toBe(true)
        }
      }),
    )
  })

  it('shows what has become of a line in its place', () => {
    const reel = new Reel()
    reel.start(lines(1, 5), undefined)
    expect(reel.put([line(3, 'read'), line(6)]).map(({ order }) => order)).toEqual([6])
    expect(reel.window.map(({ text }) => text)).toEqual(['', '', 'read', '', '', ''])
  })
})
