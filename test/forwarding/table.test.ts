/** The table in which a node finds the sessions of others, and what it and they cost. */
import { expect, it } from 'vitest'
import type { Link } from '../../src/cluster/link/link.ts'
import { Proxies } from '../../src/forwarding/proxies.ts'
import { Table } from '../../src/forwarding/table.ts'
import { Chance } from '../simulation/ownership/chance.ts'

it('finds what is in it, and nothing else, whatever came and went before, also of the same number', () => {
  const chance = new Chance(1)
  type Item = { readonly number: number }
  const table = new Table<Item>(({ number }) => number)
  const known = new Set<Item>()
  for (let step = 0; step < 20_000; step++) {
    // More come than go, and then more go than come.
    if (chance.is(step < 10_000 ? 0.6 : 0.3) || known.size === 0) {
      const item = { number: chance.below(500) * (chance.is(0.5) ? 1 : 0x10001) }
      known.add(item)
      table.add(item)
    } else {
      const item = chance.of([...known])
      known.delete(item)
      table.delete(item)
      table.delete(item)
      expect(table.find(item.number, (other) => other === item)).toBeUndefined()
    }
    expect(table.size).toBe(known.size)
    if (step % 500 > 0) continue
    for (const item of known) expect(table.find(item.number, (other) => other === item)).toBe(item)
    for (let number = 0; number < 500; number++) {
      const own = table.near(number).filter((item) => item.number === number)
      expect(own.length).toBe([...known].filter((item) => item.number === number).length)
    }
  }
})

it('sessions of a user are found among those of all nodes, until they end', () => {
  const proxies = new Proxies({ last: 0 })
  const [one, other] = [{}, {}] as [Link, Link]
  for (const link of [one, other])
    for (let session = 1; session <= 500; session++) {
      const attach = { is: 'attach', session }
      const proxy = proxies.of(link, attach)
      if (proxy) proxies.note(proxy, 'user', `u${session % 250}`, attach)
    }
  const of = (user: string) =>
    proxies.ofUser(user as never).map(({ link, remote }) => `${link === one ? 'one' : 'other'} ${remote}`)
  expect(of('u7').sort()).toEqual(['one 257', 'one 7', 'other 257', 'other 7'])
  proxies.ended(one, 257)
  proxies.ended(one, 257)
  expect(of('u7').sort()).toEqual(['one 7', 'other 257', 'other 7'])
  expect(proxies.lost(other).length).toBe(500)
  expect(of('u7')).toEqual(['one 7'])
  expect(proxies.of(other, { is: 'ack', session: 7 })).toBeUndefined()
  expect(proxies.size).toBe(499)
})
