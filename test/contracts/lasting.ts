/** What every store must do with the lifetimes of chats: timers, what has vanished, histories, deletion. */
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { HistoryPosition, Store } from '../../src/store/contract.ts'
import { copy, message, user } from './store.ts'

type Options = TestOptions & { readonly reopen?: (closed: Store) => Store }
const all = Number.MAX_SAFE_INTEGER
const bob = user('bob')
const [alice, dave, team] = [user('alice'), user('dave'), user('#team')]
/** When a test began: rows that leave by themselves do so by the real time. */
let time = Date.now()

/** A message from alice. */
const timed = (seq: number, lifetime: Lifetime, more: object = {}): Entry =>
  ({ ...message(seq, time), lifetime, ...more }) as Entry
/** A copy of what bob has sent to dave. */
const mine = (seq: number, lifetime: Lifetime, more: object = {}): Entry =>
  ({ ...copy(seq), time, lifetime, ...more }) as Entry
const gone = (seq: number): Entry => ({ is: 'gone', seq, time })

export function lastingContract(
  name: string,
  make: () => Store | Promise<Store>,
  { reopen, ...options }: Options = {},
): void {
  describe(`the lifetimes of entries: ${name}`, options, () => {
    let store: Store
    beforeEach(async () => {
      time = Date.now()
      store = await make()
      await store.open()
    })
    afterEach(() => store.close())
    const append = (...entries: Entry[]) => store.append(bob, 7, 1, entries)
    const read = (now = time, from = 1) => store.read(bob, from, 1_000, all, now)
    /** What stands at each seq: `m1`, or nothing where it has vanished. */
    const bodies = async (now = time) =>
      (await read(now)).map((entry) => ('body' in entry ? entry.body : entry.is === 'gone' ? '' : entry.is))
    const waiting = async () => (await store.load(bob))?.waiting
    const past = async (chat = alice, before: HistoryPosition | null = null, limit = 100, bytes = all) =>
      (await store.history(bob, chat, before, limit, bytes)).map((entry) => entry.seq)

    it('gives back lifetimes, changes, holes and deletions as they were', async () => {
      const entries: Entry[] = [
        timed(1, 'permanent'),
        timed(2, 'temporary', { change: 'rename' }),
        mine(3, 'read 30000', { change: 'rename' }),
        mine(4, 'delivered 1000', { expires: time + 3_600_000 }),
        gone(5),
        { is: 'deleted', seq: 6, time, chat: alice, from: 1, upTo: 4 },
        timed(7, 'read 5000', { place: { group: team, epoch: 3, at: 9 }, body: new Uint8Array([0, 255]) }),
      ]
      await append(...entries)
      expect(await read()).toEqual(entries)
      expect(await waiting()).toEqual({ temporary: 2, delivered: 0, read: 3 })
    })

    it('says that nothing waits where no chat has a lifetime of its own', async () => {
      await append(message(1, time), timed(2, 'permanent'), mine(3, 'default'))
      expect(await waiting()).toBeNull()
      expect(await store.startTimers(bob, { is: 'temporary', upTo: 3 }, time)).toBe(0)
      expect(await store.startTimers(bob, { is: 'read', chat: alice, upTo: 3 }, time)).toBe(0)
      expect(await bodies(all)).toEqual(['m1', 'm2', 'mine'])
    })

    it('lets what is temporary vanish as soon as every device has it', async () => {
      await append(timed(1, 'temporary'), message(2, time), mine(3, 'temporary'), timed(4, 'temporary'))
      expect(await waiting()).toEqual({ temporary: 1, delivered: 0, read: 0 })
      expect(await store.startTimers(bob, { is: 'temporary', upTo: 3 }, time)).toBe(4)
      expect(await read()).toEqual([gone(1), message(2, time), gone(3), timed(4, 'temporary')])
      expect(await waiting()).toEqual({ temporary: 4, delivered: 0, read: 0 })
      expect(await store.startTimers(bob, { is: 'temporary', upTo: 4 }, time)).toBe(0)
      expect(await waiting()).toBeNull()
    })

    it('starts a timer at delivery once, and shows nothing from its end on', async () => {
      await append(timed(1, 'delivered 10000'), timed(2, 'delivered 20000'), timed(3, 'delivered 10000'))
      expect(await store.startTimers(bob, { is: 'delivered', upTo: 2 }, time)).toBe(3)
      expect(await store.startTimers(bob, { is: 'delivered', upTo: 3 }, time + 15_000)).toBe(0)
      expect(await read()).toEqual([
        timed(1, 'delivered 10000', { expires: time + 10_000 }),
        timed(2, 'delivered 20000', { expires: time + 20_000 }),
        timed(3, 'delivered 10000', { expires: time + 25_000 }),
      ])
      expect(await bodies(time + 9_999)).toEqual(['m1', 'm2', 'm3'])
      expect(await bodies(time + 10_000)).toEqual(['', 'm2', 'm3'])
      expect(await read(time + 25_000)).toEqual([gone(1), gone(2), gone(3)])
    })

    it('starts timers at reading in the chat that was read', async () => {
      const inTeam = { place: { group: team, epoch: 3, at: 9 } }
      await append(
        timed(1, 'read 10000'),
        mine(2, 'read 10000'),
        timed(3, 'read 10000', inTeam),
        timed(4, 'read 10000'),
        timed(5, 'delivered 10000'),
      )
      expect(await store.startTimers(bob, { is: 'delivered', upTo: 4 }, time)).toBe(5)
      expect(await store.startTimers(bob, { is: 'read', chat: alice, upTo: 3 }, time)).toBe(2)
      expect(await store.startTimers(bob, { is: 'read', chat: dave, upTo: 9 }, time)).toBe(3)
      expect(await bodies(time + 10_000)).toEqual(['', '', 'm3', 'm4', 'm5'])
      expect(await store.startTimers(bob, { is: 'read', chat: team, upTo: 9 }, time)).toBe(4)
      expect(await bodies(time + 10_000)).toEqual(['', '', '', 'm4', 'm5'])
      expect(await waiting()).toEqual({ temporary: 0, delivered: 5, read: 4 })
    })

    it('counts a timer that runs when its entry is appended', async () => {
      await append(mine(1, 'delivered 10000', { expires: time + 10_000 }))
      expect(await waiting()).toBeNull()
      expect(await store.startTimers(bob, { is: 'delivered', upTo: 1 }, time + 5_000)).toBe(0)
      expect(await bodies(time + 9_999)).toEqual(['mine'])
      expect(await bodies(time + 10_000)).toEqual([''])
    })

    it('takes every timer of a group’s log as: until all its members have it', async () => {
      const entries = [
        timed(1, 'read 10000'),
        timed(2, 'permanent'),
        timed(3, 'temporary'),
        timed(4, 'delivered 10000'),
      ]
      await store.append(team, 7, 1, entries)
      expect((await store.load(team))?.waiting).toEqual({ temporary: 1, delivered: 0, read: 0 })
      expect(await store.startTimers(team, { is: 'temporary', upTo: 3 }, time)).toBe(4)
      expect(await store.read(team, 1, 10, all, time)).toEqual([gone(1), entries[1], gone(3), entries[3]])
      expect(await store.history(team, alice, null, 10, all)).toEqual([])
    })

    it('takes the same append again, whatever has become of its entries', async () => {
      const entries = [timed(1, 'permanent'), timed(2, 'temporary')]
      await append(...entries)
      await append(...entries)
      expect(await past()).toEqual([1])
      expect(await waiting()).toEqual({ temporary: 2, delivered: 0, read: 0 })
    })

    it('starts timers that are many, and those of one row one after the other', async () => {
      const seqs = Array.from({ length: 1_200 }, (_, n) => n + 1)
      await append(...seqs.map((seq) => timed(seq, seq % 2 ? 'temporary' : 'delivered 10000')))
      const started = [
        store.startTimers(bob, { is: 'delivered', upTo: 600 }, time),
        store.startTimers(bob, { is: 'temporary', upTo: 1_200 }, time),
        store.startTimers(bob, { is: 'delivered', upTo: 1_199 }, time),
      ]
      expect((await Promise.all(started)).slice(1)).toEqual([0, 1_200])
      expect((await store.read(bob, 1, 2_000, all, time)).map((entry) => entry.is)).toEqual(
        seqs.map((seq) => (seq % 2 ? 'gone' : 'message')),
      )
      const left = await store.read(bob, 1, 2_000, all, time + 10_000)
      expect(left.flatMap((entry) => ('body' in entry ? entry.seq : []))).toEqual([1_200])
    })

    it('keeps a message that expired as a hole, and reads on behind it', async () => {
      await append(timed(1, 'delivered 1000'), timed(2, 'delivered 1000'), message(3, time))
      await store.startTimers(bob, { is: 'delivered', upTo: 2 }, time)
      expect(await store.read(bob, 1, 2, 1, time + 1_000)).toEqual([gone(1), gone(2)])
      expect(await store.read(bob, 2, 2, 2, time + 1_000)).toEqual([gone(2), message(3, time)])
      for (let rounds = 0; (await store.expire(time + 1_000)).entries > 0; rounds++) expect(rounds).toBeLessThan(9)
      expect(await read(time + 1_000)).toEqual([gone(1), gone(2), message(3, time)])
      expect(await store.load(bob)).toMatchObject({ head: 1, tail: 3 })
    })

    it('keeps what is permanent in the history of its chat, newest first', async () => {
      const inTeam = { place: { group: team, epoch: 3, at: 9 } }
      const entries = [
        timed(1, 'permanent'),
        timed(2, 'temporary'),
        message(3, time),
        mine(4, 'permanent'),
        timed(5, 'permanent', inTeam),
        timed(6, 'permanent'),
        timed(7, 'permanent', { body: new Uint8Array([1, 0]) }),
      ]
      await append(...entries)
      expect(await store.history(bob, alice, null, 100, all)).toEqual([entries[6], entries[5], entries[0]])
      expect(await past(dave)).toEqual([4])
      expect(await past(team)).toEqual([5])
      expect(await store.history(alice, bob, null, 100, all)).toEqual([])
    })

    it('pages through a history, within a count and within bytes, and always at least one', async () => {
      await append(...[1, 2, 3, 4, 5].map((seq) => timed(seq, 'permanent', { body: 'x'.repeat(100) })))
      expect(await past(alice, null, 2)).toEqual([5, 4])
      expect(await past(alice, { time, seq: 4 }, 2)).toEqual([3, 2])
      expect(await past(alice, { time, seq: 2 }, 2)).toEqual([1])
      expect(await past(alice, { time, seq: 1 })).toEqual([])
      expect(await past(alice, null, 100, 250)).toEqual([5, 4])
      expect(await past(alice, { time, seq: 4 }, 100, 1)).toEqual([3])
    })

    it('keeps a history when the entries of the inbox have expired', async () => {
      const now = time + 40 * 86_400_000
      await append(timed(1, 'permanent'), timed(2, 'permanent', { time: now }))
      for (let rounds = 0; (await store.expire(now)).entries > 0; rounds++) expect(rounds).toBeLessThan(9)
      expect(await past()).toEqual([2, 1])
    })

    it('erases the messages of a chat, there and in its history, and those of no other', async () => {
      const inTeam = { place: { group: team, epoch: 3, at: 9 } }
      await append(
        timed(1, 'permanent'),
        mine(2, 'permanent'),
        message(3, time),
        timed(4, 'permanent', inTeam),
        timed(5, 'delivered 1000'),
        { is: 'seen', seq: 6, time, chat: alice, upTo: 3 },
        timed(7, 'permanent'),
      )
      await store.erase(bob, alice, 1, all)
      expect(await bodies()).toEqual(['', 'mine', '', 'm4', '', 'seen', ''])
      expect(await past()).toEqual([])
      expect([...(await past(dave)), ...(await past(team))]).toEqual([2, 4])
      expect(await waiting()).toBeNull()
      await store.erase(bob, dave, 1, all)
      expect(await past(dave)).toEqual([])
      await append(message(8, time), timed(9, 'permanent'))
      expect(await bodies()).toEqual(['', '', '', 'm4', '', 'seen', '', 'm8', 'm9'])
      expect(await past()).toEqual([9])
    })

    it('erases a range, again and again with the same result, also what runs out or has vanished', async () => {
      await append(
        timed(1, 'permanent'),
        timed(2, 'permanent'),
        timed(3, 'delivered 1000'),
        timed(4, 'temporary'),
        timed(5, 'permanent'),
      )
      await store.startTimers(bob, { is: 'delivered', upTo: 5 }, time)
      await store.startTimers(bob, { is: 'temporary', upTo: 5 }, time)
      for (let times = 0; times < 2; times++) {
        await store.erase(bob, alice, 2, 4)
        expect(await bodies()).toEqual(['m1', '', '', '', 'm5'])
        expect(await past()).toEqual([5, 1])
      }
      await store.expire(time + 1_000)
      expect(await bodies(time + 1_000)).toEqual(['m1', '', '', '', 'm5'])
    })

    it('erases from a history what has left the inbox, and knows nothing of who has none', async () => {
      const now = time + 40 * 86_400_000
      await append(timed(1, 'permanent'), timed(2, 'permanent'), timed(3, 'permanent', { time: now }))
      while ((await store.expire(now)).entries > 0);
      await store.erase(bob, alice, 2, 2)
      expect(await past()).toEqual([3, 1])
      await store.erase(user('nobody'), alice, 1, all)
      expect(await store.load(user('nobody'))).toBeUndefined()
    })

    it('recognises a repeat of what has vanished or was erased', async () => {
      const entries = [timed(1, 'temporary'), timed(2, 'permanent'), mine(3, 'temporary')]
      await append(...entries)
      await store.startTimers(bob, { is: 'temporary', upTo: 3 }, time)
      await store.erase(bob, alice, 1, all)
      expect(await bodies()).toEqual(['', '', ''])
      const keys = entries.map((entry) => ({ sender: entry.is === 'copy' ? bob : alice, id: (entry as Carrier).id }))
      const known = await store.findRepeats(bob, [...keys, { sender: dave, id: (entries[0] as Carrier).id }], time, all)
      expect(known).toEqual([{ seq: 1, time }, { seq: 2, time }, { seq: 3, time }, undefined])
    })

    it('erases what is much', async () => {
      for (let from = 1; from < 3_000; from += 500) {
        const seqs = Array.from({ length: 500 }, (_, n) => from + n)
        await append(...seqs.map((seq) => (seq % 3 ? timed(seq, 'permanent') : mine(seq, 'permanent'))))
      }
      await store.erase(bob, alice, 1, all)
      expect(await past()).toEqual([])
      expect(await past(dave, null, 2_000)).toHaveLength(1_000)
      expect((await store.read(bob, 1, 5_000, all, time)).filter((entry) => entry.is === 'gone')).toHaveLength(2_000)
    })

    it('rejects after close', async () => {
      await store.close()
      const calls = [
        store.startTimers(bob, { is: 'temporary', upTo: 1 }, time),
        store.erase(bob, alice, 1, 1),
        store.history(bob, alice, null, 1, 1),
      ]
      for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'closed' })
      await store.open()
    })

    it.runIf(reopen)('finds timers, holes and histories when it is opened again', async () => {
      await append(timed(1, 'permanent'), timed(2, 'read 1000'), timed(3, 'delivered 1000'), timed(4, 'temporary'))
      await store.startTimers(bob, { is: 'delivered', upTo: 4 }, time)
      await store.startTimers(bob, { is: 'temporary', upTo: 4 }, time)
      await store.close()
      store = (reopen as NonNullable<typeof reopen>)(store)
      await store.open()
      expect(await waiting()).toEqual({ temporary: 0, delivered: 0, read: 2 })
      expect(await bodies(time)).toEqual(['m1', 'm2', 'm3', ''])
      expect(await bodies(time + 1_000)).toEqual(['m1', 'm2', '', ''])
      expect(await past()).toEqual([1])
    })
  })
}
