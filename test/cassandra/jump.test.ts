/** A node whose wall clock is far off for a moment: what it writes then stays as long as what it wrote before. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Carrier } from '../../src/protocol/entry.ts'
import type { GroupId } from '../../src/protocol/ids.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { type CassandraStore, cassandraStore } from '../../src/store/cassandra.ts'
import { message, user } from '../contracts/store.ts'
import { cassandraNode, oneNodeHere } from './here.ts'

const [bob, alice] = [user('bob'), user('alice')]
const offMs = 31 * 86_400_000
const now = Date.now

describe('a node on Cassandra whose clock is far off', oneNodeHere, () => {
  const cassandra = cassandraNode()
  let options: CassandraOptions
  let store: CassandraStore
  beforeEach(async () => {
    options ??= await cassandra.keyspace()
    store = cassandraStore(options)
    await store.open()
  })
  afterEach(() => store.close())

  it('loses nothing that was on its way when it is a month ahead, deletes what it is told to, and starts timers', async () => {
    const time = now()
    const temporary = { ...message(2, time), lifetime: 'temporary' } as Carrier
    await store.append(bob, 7, 1, [message(1, time), temporary])
    vi.spyOn(Date, 'now').mockImplementation(() => now() + offMs)
    store.goBy({ offMs })
    const late = message(3, time) as Carrier
    await store.append(bob, 7, 1, [late])
    await store.erase(bob, alice, 1, 1)
    expect(await store.startTimers(bob, { is: 'temporary', upTo: 2 }, Date.now())).toBe(0)
    const repeats = () => store.findRepeats(bob, [{ sender: alice, id: late.id }], time, 3)
    expect(await repeats()).toEqual([{ seq: 3, time }])
    vi.restoreAllMocks()
    store.goBy({ offMs: 0 })
    expect((await store.read(bob, 1, 9, 1e6, now())).map(({ is }) => is)).toEqual(['gone', 'gone', 'message'])
    expect(await repeats()).toEqual([{ seq: 3, time }])
  })

  it('takes messages and notes groups also when its clock is of 1970', async () => {
    const time = now()
    vi.spyOn(Date, 'now').mockImplementation(() => now() - time)
    store.goBy({ offMs: -time })
    await store.noteGroup('#team' as GroupId, 1)
    await store.append(user('carol'), 7, 1, [message(1, time)])
    vi.restoreAllMocks()
    store.goBy({ offMs: 0 })
    expect(await store.notedGroups()).toEqual([{ group: '#team', term: 1 }])
    expect(await store.load(user('carol'))).toMatchObject({ tail: 1 })
  })
})
