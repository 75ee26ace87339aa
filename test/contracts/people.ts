/** What every store must do for operators who list users, and erase one. */
import { afterEach, beforeEach, describe, expect, it, type TestOptions } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { ChatId } from '../../src/protocol/ids.ts'
import type { Store } from '../../src/store/contract.ts'
import { copy, message, settings, user } from './store.ts'

type Options = TestOptions & { readonly reopen?: (closed: Store) => Store }

export function peopleContract(
  name: string,
  make: () => Store | Promise<Store>,
  { reopen, ...options }: Options = {},
): void {
  describe(`users as a whole: ${name}`, options, () => {
    const [alice, bob, bobby, carol] = [user('alice'), user('bob'), user('bobby'), user('carol')]
    const all = Number.MAX_SAFE_INTEGER
    const time = Date.now()
    let store: Store
    beforeEach(async () => {
      store = await make()
      await store.open()
    })
    afterEach(() => store.close())
    const reopened = async () => {
      await store.close()
      store = reopen?.(store) ?? store
      await store.open()
    }
    const read = (from = 1) => store.read(bob, from, 10_000, all, time)
    const device = { device: 'phone', seq: 2, seenAt: time } as never

    /** Page by page, as many ids at a time. */
    async function listed(limit: number): Promise<ChatId[]> {
      const owners: ChatId[] = []
      for (let after: ChatId | null = null; ; ) {
        const page: readonly ChatId[] = await store.owners(after, limit)
        expect(page.length).toBeLessThanOrEqual(limit)
        if (page.length === 0) return owners
        owners.push(...page)
        after = page.at(-1) ?? null
      }
    }

    it('remembers whose erasure is not over, through a start, whatever else goes of that user', async () => {
      expect(await store.erasures()).toEqual([])
      await store.saveErasure(carol, false)
      for (const name of [bob, bobby, bob]) await store.saveErasure(name, true)
      await store.wipe(bob)
      await store.saveBan(bob, true)
      await store.saveBan(bob, false)
      await reopened()
      expect([...(await store.erasures())].sort()).toEqual([bob, bobby])
      for (const name of [bob, bob]) await store.saveErasure(name, false)
      expect(await store.erasures()).toEqual([bobby])
      expect(await store.bans()).toEqual([])
    })

    it('lists whoever has a log or cursors, each once, in pages of any size', async () => {
      expect(await store.owners(null, 10)).toEqual([])
      const names = Array.from({ length: 25 }, (_, n) => user(`user ${n} ${n % 2 ? 'é' : '😀'}`))
      for (const name of names.slice(0, 20)) await store.append(name, 7, 1, [message(1)])
      for (const name of names.slice(15)) await store.saveCursors(name, 7, [device], 0)
      await store.append('#team' as never, 8, 1, [message(1)])
      const everyone = [...names, '#team'].sort()
      for (const limit of [1, 2, 7, 26, 100]) expect((await listed(limit)).sort()).toEqual(everyone)
      await reopened()
      expect((await listed(10)).sort()).toEqual(everyone)
    })

    /** Entries of each kind, of some chats. */
    const entries: readonly Entry[] = [
      message(1, time, 'what alice wrote'),
      { ...message(2, time, 'for good'), lifetime: 'permanent' } as Entry,
      { ...copy(3), time, body: 'what bob wrote', lifetime: 'permanent' } as Entry,
      { ...message(4, time, new Uint8Array([1, 2])), lifetime: 'delivered 60000' } as Entry,
      { ...message(5, time, 'soon'), lifetime: 'read 60000', expires: time + 60_000 } as Entry,
      { is: 'receipt', seq: 6, time, peer: carol, epoch: 9, delivered: 3, read: 2 },
      { is: 'seen', seq: 7, time, chat: carol, upTo: 2 },
      { is: 'deleted', seq: 8, time, chat: carol, from: 1, upTo: 2 },
    ]
    const keep = async (owner: typeof bob) => {
      await store.append(owner, 7, 1, entries)
      await store.saveCursors(owner, 7, [device], 1, new Map([[alice, 2]]))
      await store.saveSettings(owner, { ...settings, blocked: [carol] })
      await store.saveLastSeen(new Map([[owner, time]]))
      await store.saveBan(owner, true)
      await store.addLink(owner, 1, Uint8Array.of(1))
      await store.addLink(owner, 2, Uint8Array.of(2))
      await store.saveShelf(owner, 'ab', { version: 1, shelf: Uint8Array.of(3), once: Uint8Array.of(4) })
    }
    const known = async (owner: typeof bob) => ({
      entries: await store.read(owner, 1, 100, all, time),
      inbox: await store.load(owner),
      reads: await store.reads(owner),
      histories: [...(await store.histories(owner))].sort(),
      past: await store.history(owner, alice, null, 100, all),
      settings: await store.settings(owner),
      seen: await store.lastSeen(owner),
      links: await store.links(owner, 1),
      shelves: await store.shelves(owner),
    })

    it('wipes what is kept of a user, and nothing of whose name begins alike', async () => {
      for (const owner of [bob, bobby]) await keep(owner)
      expect(await store.histories(bob)).toHaveLength(2)
      const others = await known(bobby)
      for (let n = 0; n < 2; n++) {
        await store.wipe(bob)
        const { entries, inbox, ...rest } = await known(bob)
        expect(entries.filter(({ is }) => is !== 'gone')).toEqual([])
        const counts = { epoch: 7, tail: 8, lastTime: time, settled: 8, cursors: [], waiting: null }
        expect(inbox).toMatchObject(counts)
        const none = { reads: new Map(), histories: [], past: [], settings: undefined, seen: undefined }
        expect(rest).toEqual({ ...none, links: [], shelves: [] })
        await reopened()
      }
      expect(await known(bobby)).toEqual(others)
      expect([...(await store.bans())].sort()).toEqual([bob, bobby])
    })

    it('goes on after a wipe where the inbox ended, and takes all anew', async () => {
      await keep(bob)
      await store.wipe(bob)
      const next = { ...message(9, time, 'anew'), lifetime: 'permanent' } as Entry
      await store.append(bob, 7, 1, [next])
      await store.saveCursors(bob, 7, [{ ...(device as object), seq: 9 } as never], 9, new Map([[alice, 9]]))
      await store.saveSettings(bob, settings)
      await store.saveLastSeen(new Map([[bob, time + 1]]))
      expect(await store.addLink(bob, 1, Uint8Array.of(7))).toBe(true)
      expect(await store.saveShelf(bob, 'ab', { version: 1, shelf: Uint8Array.of(8), once: Uint8Array.of(9) })).toBe(
        true,
      )
      await reopened()
      expect((await read()).filter(({ is }) => is !== 'gone')).toEqual([next])
      expect(await store.load(bob)).toMatchObject({ epoch: 7, tail: 9, settled: 9, cursors: [{ seq: 9 }] })
      expect(await known(bob)).toMatchObject({
        reads: new Map([[alice, 9]]),
        histories: [alice],
        past: [next],
        settings,
        seen: time + 1,
        links: [Uint8Array.of(7)],
        shelves: ['ab'],
      })
    })

    it('lists the chats of a history that the inbox has no more, each once, until they are deleted or wiped', async () => {
      const before = time - 40 * 86_400_000
      const lasting = (entry: Entry): Entry => ({ ...entry, time: before, lifetime: 'permanent' }) as Entry
      const old = [lasting(message(1)), lasting(copy(2)), lasting(message(3))]
      for (const owner of [bob, bobby]) await store.append(owner, 7, 1, [...old, message(4, time)])
      for (let left = 1; left > 0; ) left = (await store.expire(time)).entries
      await reopened()
      expect((await read()).map(({ seq }) => seq)).toEqual([4])
      const listed = async (owner = bob) => [...(await store.histories(owner))].sort()
      expect(await listed()).toEqual([alice, 'dave'])
      expect(await store.history(bob, alice, null, 1, 1)).toEqual([old[2]])
      await store.erase(bob, alice, 1, 4)
      expect(await store.history(bob, alice, null, 1, 1)).toEqual([])
      await store.append(bob, 7, 1, [{ ...message(5, time), lifetime: 'permanent' } as Entry])
      await reopened()
      expect([await listed(), await listed(bobby)]).toEqual([
        [alice, 'dave'],
        [alice, 'dave'],
      ])
      await store.wipe(bob)
      expect([await listed(), await listed(bobby)]).toEqual([[], [alice, 'dave']])
    })

    it('recognises after a wipe a repeat of what was there', async () => {
      await keep(bob)
      await store.wipe(bob)
      const { id } = entries[0] as Extract<Entry, { is: 'message' }>
      expect(await store.findRepeats(bob, [{ sender: alice, id }], time, 8)).toEqual([{ seq: 1, time }])
    })

    it('wipes what is much, what waits for nothing, and who has no inbox', async () => {
      const many = Array.from({ length: 3_000 }, (_, n) => message(n + 1, time, 'x'.repeat(1_500)))
      for (let at = 0; at < many.length; at += 500) await store.append(bob, 7, 1, many.slice(at, at + 500))
      await store.wipe(bob)
      expect((await read(2_900)).filter(({ is }) => is !== 'gone')).toEqual([])
      expect(await store.load(bob)).toMatchObject({ tail: 3_000, settled: 3_000 })
      await store.saveSettings(carol, settings)
      await store.wipe(carol)
      expect(await store.settings(carol)).toBe(undefined)
      expect(await store.load(carol)).toBe(undefined)
    })

    it('forgets when somebody was seen last', async () => {
      await store.saveLastSeen(new Map([[bob, time]]))
      await store.saveLastSeen(new Map([[bob, 0]]))
      expect(await store.lastSeen(bob)).toBe(undefined)
      await store.saveLastSeen(new Map([[bob, time]]))
      expect(await store.lastSeen(bob)).toBe(time)
    })

    it('rejects after close', async () => {
      await store.close()
      await expect(store.owners(null, 1)).rejects.toMatchObject({ code: 'closed' })
      await expect(store.histories(bob)).rejects.toMatchObject({ code: 'closed' })
      await expect(store.wipe(bob)).rejects.toMatchObject({ code: 'closed' })
      await store.open()
    })
  })
}
