/** What every store must do: one suite, run on each of them by test/store/*.test.ts. */
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { GroupId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { Store } from '../../src/store/contract.ts'

export const user = (name: string) => name as UserId
const group = (name: string) => name as GroupId
const messageId = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
export const message = (seq: number, time = Date.now(), body: string | Uint8Array = `m${seq}`): Entry => ({
  is: 'message',
  seq,
  time,
  id: messageId(seq),
  from: user('alice'),
  body,
})
const receipt = (seq: number): Entry => ({
  is: 'receipt',
  seq,
  time: Date.now(),
  peer: user('carol'),
  epoch: 9,
  delivered: 3,
  read: 2,
})
const seen = (seq: number): Entry => ({ is: 'seen', seq, time: Date.now(), chat: user('carol'), upTo: 2 })
export const copy = (seq: number): Entry => ({
  is: 'copy',
  seq,
  time: Date.now(),
  id: messageId(seq),
  to: user('dave'),
  body: 'mine',
  at: { epoch: 5, seq: 8 },
})
export const settings: Settings = {
  lastSeen: 'everyone',
  writers: 'contacts',
  groups: 'everyone',
  receipts: true,
  blocked: [],
  contacts: [],
  lifetimes: [],
}
type ContractOptions = TestOptions & {
  readonly reopen?: (closed: Store) => Store
  readonly expires?: 'counted' | 'by itself'
}
const all = Number.MAX_SAFE_INTEGER
const dayMs = 86_400_000

/**
 * `make` answers an empty store, `reopen` one over the same data, where the store keeps any. `expires`: what it counts when
 * entries expire; a store whose rows leave by themselves counts nothing.
 */
export function storeContract(
  name: string,
  make: () => Store | Promise<Store>,
  { reopen, expires = 'counted', ...options }: ContractOptions = {},
): void {
  describe(`the store contract: ${name}`, options, () => {
    const bob = user('bob')
    let store: Store
    beforeEach(async () => {
      store = await make()
      await store.open()
    })
    afterEach(() => store.close())
    const append = (...entries: Entry[]) => store.append(bob, 7, 1, entries)
    const seqs = async (from = 1, limit = 100, bytes = all) =>
      (await store.read(bob, from, limit, bytes, Date.now())).map((entry) => entry.seq)

    it('knows nothing of a user to whom nothing came', async () => {
      expect(await store.load(bob)).toBeUndefined()
      expect(await seqs()).toEqual([])
      expect(await store.lastSeen(bob)).toBeUndefined()
      expect(await store.trace(messageId(1))).toEqual([])
    })

    it('gives back entries of every kind as they were, in seq order', async () => {
      const media = { media: 'ab'.repeat(32), type: 'image/png', size: 5_000_000_000 }
      const entries: Entry[] = [
        { ...message(1), media } as Entry,
        receipt(2),
        { ...copy(3), media: { ...media, preview: new Uint8Array([1, 0]) } } as Entry,
        message(4, Date.now(), new Uint8Array([0, 255, 7])),
        seen(5),
        { ...message(6), lifetime: 'permanent', change: 'lifetime' } as Entry,
        { ...copy(7), lifetime: 'delivered 60000', expires: Date.now() + 60_000, change: 'lifetime' } as Entry,
        { is: 'deleted', seq: 8, time: Date.now(), chat: user('carol'), from: 1, upTo: 7 },
        { is: 'gone', seq: 9, time: Date.now() },
      ]
      await append(...entries)
      expect(await store.read(bob, 1, 100, all, Date.now())).toEqual(entries)
      expect(await store.load(bob)).toMatchObject({
        epoch: 7,
        head: 1,
        tail: 9,
        lastTime: entries[8]?.time,
        cursors: [],
        settled: 0,
        waiting: null,
      })
    })

    it('takes overlapping appends, and the same ones again', async () => {
      const time = Date.now()
      await Promise.all([
        append(message(1, time)),
        append(message(2, time), message(3, time)),
        append(message(4, time)),
      ])
      await append(message(2, time), message(3, time))
      expect(await seqs()).toEqual([1, 2, 3, 4])
      expect(await store.load(bob)).toMatchObject({ tail: 4, lastTime: time })
    })

    it('never lowers the tail when an earlier append is repeated', async () => {
      const time = Date.now()
      await append(message(1, time), message(2, time + 1), message(3, time + 2))
      await append(message(1, time))
      expect(await store.load(bob)).toMatchObject({ tail: 3, lastTime: time + 2 })
    })

    it('reads from a seq, within a count and within bytes, and always at least one', async () => {
      await append(...[1, 2, 3, 4, 5].map((seq) => message(seq, Date.now(), 'x'.repeat(100))))
      expect(await seqs(3)).toEqual([3, 4, 5])
      expect(await seqs(2, 2)).toEqual([2, 3])
      expect(await seqs(1, 100, 250)).toEqual([1, 2])
      expect(await seqs(4, 100, 1)).toEqual([4])
      expect(await seqs(6)).toEqual([])
    })

    it('keeps users apart whose names begin alike', async () => {
      await append(message(1))
      await store.append(user('bobby'), 8, 1, [message(1), message(2)])
      await store.append(user('bo'), 9, 1, [message(1)])
      expect(await seqs()).toEqual([1])
      expect(await store.load(user('bo'))).toMatchObject({ epoch: 9, tail: 1 })
    })

    it('recognises a repeat by sender and id, in that inbox only', async () => {
      const time = Date.now()
      await append(message(1, time), copy(2))
      const keys = [
        { sender: user('alice'), id: messageId(1) },
        { sender: user('mallory'), id: messageId(1) },
        { sender: bob, id: messageId(2) },
        { sender: user('alice'), id: messageId(99) },
      ]
      expect(await store.findRepeats(bob, keys, time, all)).toEqual([
        { seq: 1, time },
        undefined,
        { seq: 2, time: expect.any(Number) },
        undefined,
      ])
      expect(await store.findRepeats(user('carol'), keys, time, all)).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ])
    })

    it('tells operators where a message stands', async () => {
      const time = Date.now()
      await append(message(1, time))
      expect(await store.trace(messageId(1))).toEqual([{ recipient: bob, sender: 'alice', seq: 1, time }])
    })

    it('replaces cursors as a whole, also before the first entry', async () => {
      const phone = { device: 'phone' as never, seq: 0, seenAt: 5 }
      await store.saveCursors(bob, 7, [phone], 0)
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 0, head: 1, cursors: [phone] })
      await append(message(1))
      await store.saveCursors(bob, 7, [{ ...phone, seq: 1 }], 1)
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 1, cursors: [{ seq: 1 }], settled: 1 })
    })

    it('keeps with cursors what was read of each chat, also over a restart, and of other users nothing', async () => {
      expect(await store.reads(bob)).toEqual(new Map())
      const reads = (...of: [string, number][]) => new Map(of.map(([chat, seq]) => [user(chat), seq]))
      await store.saveCursors(bob, 7, [], 0, reads(['ann', 3], ['#team', 2 ** 40]))
      await store.saveCursors(bob, 7, [], 0)
      await store.saveCursors(user('bobby'), 7, [], 0, reads(['ann', 9]))
      await append(message(1))
      await store.saveCursors(bob, 7, [], 1, reads(['ann', 5], ['ben', 1]))
      expect(await store.reads(bob)).toEqual(reads(['#team', 2 ** 40], ['ann', 5], ['ben', 1]))
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 1, settled: 1 })
      if (!reopen) return
      await store.close()
      store = reopen(store)
      await store.open()
      expect(await store.reads(bob)).toEqual(reads(['#team', 2 ** 40], ['ann', 5], ['ben', 1]))
    })

    it('takes the name of a log from its first append, also where cursors were saved under another', async () => {
      const phone = { device: 'phone' as never, seq: 0, seenAt: 5 }
      await store.saveCursors(bob, 7, [phone], 0)
      await store.append(bob, 8, 1, [message(1)])
      await store.saveCursors(bob, 7, [phone], 0)
      expect(await store.load(bob)).toMatchObject({ epoch: 8, tail: 1 })
    })

    it('keeps where a message stands in a group, and what it changes there', async () => {
      const place = { group: group('#team'), epoch: 3, at: 9 }
      const entries = [
        { ...message(1), place },
        { ...message(2), place: { ...place, at: 10, change: 'rename' as const } },
        { ...message(3), change: 'add' as const },
        message(4),
      ]
      await append(...entries)
      expect(await store.read(bob, 1, 10, all, Date.now())).toEqual(entries)
    })

    it('keeps the record of a group, and which groups an earlier term has noted', async () => {
      const team = group('#team')
      expect(await store.loadGroup(team)).toBeUndefined()
      const told = { delivered: 1, read: 0 }
      const spans = [
        { from: 1, to: 4 },
        { from: 7, to: null },
      ]
      const member = { user: bob, admin: true, spans, delivered: 2, read: 1, sent: 2, told }
      const record = { seq: 7, name: 'Team', history: 0, lifetime: 'read 30000', members: [member] } as const
      await store.saveGroup(team, { ...record, name: 'Old' })
      await store.saveGroup(team, record)
      expect(await store.loadGroup(team)).toEqual(record)
      for (const term of [1, 1, 2]) await store.noteGroup(team, term)
      await store.noteGroup(group('#other'), 2)
      await store.forgetGroup(team, 1)
      const noted = await store.notedGroups()
      expect([...noted].sort((a, b) => (a.group < b.group ? -1 : 1))).toEqual([
        { group: '#other', term: 2 },
        { group: '#team', term: 2 },
      ])
    })

    it('keeps when users were last seen as it was told last, also where that is earlier', async () => {
      const alice = user('alice')
      await store.saveLastSeen(new Map([[bob, 2_000]]))
      await store.saveLastSeen(
        new Map([
          [bob, 1_000],
          [alice, 3_000],
        ]),
      )
      expect([await store.lastSeen(bob), await store.lastSeen(alice)]).toEqual([1_000, 3_000])
    })

    it('keeps what the node knows of the time', async () => {
      const known = await store.reckoning()
      for (const at of [Date.now(), known?.at ?? 1_000]) {
        await store.saveReckoning({ at, doubtMs: 5_000 })
        expect(await store.reckoning()).toEqual({ at, doubtMs: 5_000 })
      }
      await store.saveReckoning({ at: Date.now(), doubtMs: 0 })
    })

    it.each([
      ['behind', -31 * dayMs],
      ['ahead', 31 * dayMs],
    ])('recognises a repeat of what was appended when its clock was a month %s', async (_, off) => {
      const time = Date.now()
      const keys = [1, 2].map((n) => ({ sender: user('alice'), id: messageId(n) }))
      await append(message(1, time), message(2, time + Math.max(0, off)))
      expect(await store.findRepeats(bob, keys, time + Math.min(0, off), all)).toEqual([
        { seq: 1, time },
        { seq: 2, time: expect.any(Number) },
      ])
    })

    it('keeps who is banned', async () => {
      expect(await store.bans()).toEqual([])
      for (const name of ['eve', 'mal lory', 'eve']) await store.saveBan(user(name), true)
      expect([...(await store.bans())].sort()).toEqual(['eve', 'mal lory'])
      for (const name of ['eve', 'nobody']) await store.saveBan(user(name), false)
      expect(await store.bans()).toEqual(['mal lory'])
    })

    it('keeps the settings of each user as they were saved last', async () => {
      expect(await store.settings(bob)).toBeUndefined()
      const choices = { lastSeen: 'contacts', writers: 'nobody', groups: 'contacts', receipts: false } as const
      const lifetimes = [{ chat: user('eve'), lifetime: 'read 30000', time: Date.now(), id: messageId(1) } as const]
      await store.saveSettings(bob, {
        ...choices,
        blocked: [user('eve'), user('mal lory')],
        contacts: [],
        lifetimes: [],
      })
      const removals = [
        { device: 'tablet' as never, at: 5 },
        { device: 'old phone' as never, at: Date.now() },
      ]
      const last = {
        removals,
        ...choices,
        lifetimes,
        blocked: [user('mal lory')],
        contacts: [user('alice'), user('ümit')],
      }
      const tags = [
        { chat: user('#team'), tags: 'muted=1764547200000\tname=die Küche 🍳' },
        { chat: user('__proto__'), tags: 'pinned=1' },
      ]
      await store.saveSettings(bob, { ...last, tags })
      expect(await store.settings(bob)).toEqual({ ...last, tags })
      await store.saveSettings(bob, last)
      expect(await store.settings(bob)).toEqual(last)
      expect(await store.settings(user('alice'))).toBeUndefined()
      expect(await store.load(bob)).toBeUndefined()
    })

    it('gives a higher term each time', async () => {
      const first = await store.takeTerm()
      expect(await store.takeTerm()).toBeGreaterThan(first)
    })

    it('knows from which seq on each life appended to a log, and gives it another epoch, where it keeps lives at all', async () => {
      const { lives } = store
      if (!lives) return expect(await store.load(bob)).toBeUndefined()
      await lives.begin(1, 111)
      await append(message(1), message(2))
      await append(message(3))
      await store.close()
      store = reopen?.(store) ?? store
      await store.open()
      await store.lives?.begin(5, 555)
      await store.append(bob, 7, 5, [message(4)])
      const began = [
        { term: 1, from: 1 },
        { term: 5, from: 4 },
      ]
      expect(await store.load(bob)).toMatchObject({ epoch: 7, was: 0, lives: began })
      for (let n = 0; n < 2; n++) await store.lives?.rename(bob, 8)
      expect(await store.load(bob)).toMatchObject({ epoch: 8, was: 7, lives: began })
      // An append that was under way still says the former name.
      await store.append(bob, 7, 5, [message(5)])
      await store.expire(Date.now())
      expect(await store.load(bob)).toMatchObject({ epoch: 8, was: 7, tail: 5, lives: began })
      expect(await Promise.all([111, 555, 999].map((name) => store.lives?.termOf(name)))).toEqual([1, 5, undefined])
    })

    it('expires old entries and dedupe keys for good, and keeps the tail', async () => {
      const now = Date.now()
      const old = now - 40 * dayMs
      await append(message(1, old), message(2, old), message(3, now))
      let [entries, dedupeKeys, rounds] = [0, 0, 0]
      for (; rounds < 20; rounds++) {
        const removed = await store.expire(now)
        if (removed.entries + removed.dedupeKeys === 0) break
        entries += removed.entries
        dedupeKeys += removed.dedupeKeys
      }
      const removed = expires === 'counted' ? 2 : 0
      expect({ entries, dedupeKeys }).toEqual({ entries: removed, dedupeKeys: removed })
      expect(rounds).toBeLessThan(20)
      expect(await seqs()).toEqual([3])
      expect(await store.load(bob)).toMatchObject({ head: 3, tail: 3 })
      expect(await store.findRepeats(bob, [{ sender: user('alice'), id: messageId(3) }], now, all)).toEqual([
        { seq: 3, time: now },
      ])
    })

    it('keeps the tail of an inbox whose entries have all expired', async () => {
      const old = Date.now() - 40 * dayMs
      await append(message(1, old), message(2, old))
      while ((await store.expire(Date.now())).entries > 0);
      expect(await store.load(bob)).toMatchObject({ head: 3, tail: 2 })
      await append(message(3))
      expect(await seqs()).toEqual([3])
    })

    it('rejects what comes after close, and says so in its health', async () => {
      await store.close()
      expect(await store.health()).toMatchObject({ ok: false })
      for (const call of [append(message(1)), store.load(bob), store.read(bob, 1, 1, 1, Date.now()), store.takeTerm()])
        await expect(call).rejects.toMatchObject({ code: 'closed' })
      await store.open()
    })

    it.runIf(reopen)('finds everything as it was when it is opened again', async () => {
      const term = await store.takeTerm()
      const time = Date.now()
      await append(message(1, time), message(2, time + 1))
      await store.saveLastSeen(new Map([[bob, 3_000]]))
      await store.saveSettings(bob, settings)
      await store.saveBan(user('eve'), true)
      await store.close()
      store = (reopen as NonNullable<typeof reopen>)(store)
      await store.open()
      expect(await seqs()).toEqual([1, 2])
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 2, lastTime: time + 1 })
      expect(await store.lastSeen(bob)).toBe(3_000)
      expect(await store.settings(bob)).toEqual(settings)
      expect(await store.bans()).toEqual(['eve'])
      expect(await store.takeTerm()).toBeGreaterThan(term)
    })
  })
}
