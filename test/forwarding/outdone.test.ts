/** A log that was written under a term above that of its shard, as by a copy, or before the keyspace was put back in parts. */
import { expect, it } from 'vitest'
import { Outdone } from '../../src/store/error.ts'
import { cluster, person, userOf } from './nodes.ts'

it('its user is let in as soon as the shard has a higher term', async () => {
  const start = await cluster()
  const [a, b] = [await start('a'), await start('b')]
  const bob = userOf(5)
  const asked: number[] = []
  for (const { way } of [a, b]) {
    const { load } = way.store
    way.store.load = async (user, term) => {
      if (user === bob && term !== undefined) asked.push(term)
      if (user === bob && term !== undefined && term <= 40) throw new Outdone(40, 'it was written in term 40')
      return load(user, term)
    }
  }
  const him = person(bob, a)
  const ann = person(userOf(0), b)
  await ann.client.send(bob, 'hi')
  await expect.poll(him.bodies, { timeout: 60_000 }).toEqual(['hi'])
  expect([asked[0], asked.at(-1)]).toEqual([expect.any(Number), 41])
  expect(asked[0]).toBeLessThan(41)
})
