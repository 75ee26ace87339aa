/** A node's wall clock that is behind that of the life before it, or was set back: what it acknowledges is what is stored. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Carrier } from '../../src/protocol/entry.ts'
import type { DeviceId, GroupId } from '../../src/protocol/ids.ts'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { type CassandraStore, cassandraStore } from '../../src/store/cassandra.ts'
import { message, settings, user } from '../contracts/store.ts'
import { cassandraNode, oneNodeHere } from './here.ts'

const [bob, alice, mallory, eve] = ['bob', 'alice', 'mallory', 'eve'].map(user) as [never, never, never, never]
const team = 'g:team' as GroupId
const aheadMs = 20_000
const now = Date.now
const always = () => undefined

describe.each([
  ['a node that starts with the right clock, after one whose clock was ahead', true],
  ['a node whose clock is set back', false],
])('%s', (_which, another) => {
  describe('on Cassandra', oneNodeHere, () => {
    const cassandra = cassandraNode()
    let options: CassandraOptions
    let store: CassandraStore
    beforeEach(async () => {
      options ??= await cassandra.keyspace()
      vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs)
      store = cassandraStore({ ...options })
      await store.open()
    })
    afterEach(() => store.close())

    async function setBack(): Promise<void> {
      vi.restoreAllMocks()
      if (!another) return
      await store.close()
      store = cassandraStore(options)
      await store.open()
    }
    const cursor = (seq: number) => [{ device: 'phone' as DeviceId, seq, seenAt: 1 }]
    const lasting = (seq: number, lifetime: 'permanent' | 'temporary') => ({ ...message(seq), lifetime }) as Carrier
    const bodies = async () => (await store.history(bob, alice, null, 9, 1e6)).map(({ body }) => body)

    it('keeps the settings, the cursors and the groups that were saved last', async () => {
      await store.saveSettings(bob, { ...settings, blocked: [mallory] })
      await store.saveCursors(bob, 7, cursor(5), 5)
      await store.saveGroup(team, { seq: 1, name: 'A', history: 0, lifetime: 'default', members: [] })
      await store.noteGroup(team, 1)
      await setBack()
      await store.saveSettings(bob, { ...settings, blocked: [mallory, eve] })
      await store.saveCursors(bob, 7, cursor(9), 9)
      await store.saveGroup(team, { seq: 2, name: 'B', history: 0, lifetime: 'default', members: [] })
      await store.forgetGroup(team, 1)
      expect(await store.settings(bob)).toMatchObject({ blocked: [mallory, eve] })
      expect(await store.load(bob)).toMatchObject({ cursors: cursor(9), settled: 9 })
      expect(await store.loadGroup(team)).toMatchObject({ name: 'B' })
      expect(await store.notedGroups()).toEqual([])
    })

    it('keeps what the owner of the later term saved, whenever what the former one saved comes', async () => {
      const owner = store.under(901, always)
      await owner.saveSettings(bob, { ...settings, blocked: [mallory, eve] })
      await owner.saveCursors(bob, 7, cursor(9), 9)
      await owner.saveLastSeen(new Map([[bob, 9_000]]))
      await setBack()
      // A ban any node writes.
      await store.under(901, always).saveBan(eve, false)
      await store.under(900, always).saveBan(eve, true)
      await store.under(900, always).saveSettings(bob, settings)
      await store.under(900, always).saveCursors(bob, 7, cursor(5), 5)
      await store.under(900, always).saveLastSeen(new Map([[bob, 5_000]]))
      expect(await store.settings(bob)).toMatchObject({ blocked: [mallory, eve] })
      expect(await store.load(bob)).toMatchObject({ cursors: cursor(9), settled: 9 })
      expect(await store.lastSeen(bob)).toBe(9_000)
      expect(await store.bans()).toEqual([eve])
    })

    it('makes gone what it erases and what vanishes, from the history, too, and keeps what comes after', async () => {
      await store.append(bob, 7, 1, [lasting(1, 'permanent'), lasting(2, 'temporary'), message(3)])
      await setBack()
      expect(await store.startTimers(bob, { is: 'temporary', upTo: 2 }, Date.now())).toBe(0)
      await store.erase(bob, alice, 1, 1)
      expect((await store.read(bob, 1, 9, 1e6, Date.now())).map(({ is }) => is)).toEqual(['gone', 'gone', 'message'])
      expect(await store.load(bob)).toMatchObject({ waiting: null })
      expect(await bodies()).toEqual([])
      await store.append(bob, 7, 1, [{ ...lasting(4, 'permanent'), time: Date.now() + aheadMs }])
      expect(await bodies()).toEqual(['m4'])
      await store.erase(bob, alice, 1, 4)
      expect(await bodies()).toEqual([])
    })
  })
})
