/** What every media store must do: one suite, run on each of them by test/media/*.test.ts. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MediaStore, untilReleased } from '../../src/media/contract.ts'
import { chatHolder, messageHolder } from '../../src/media/media.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'
import type { MediaId } from '../../src/protocol/media.ts'

export const idOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex') as MediaId
export const png = (text: string) => Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from(text)])
const [alice, bob] = ['alice' as UserId, 'bob' as UserId]
const dayMs = 86_400_000

async function upload(store: MediaStore, content: Uint8Array, holder = 'h', until = untilReleased) {
  const upload = await store.begin(alice, idOf(content))
  await upload.write(content)
  return upload.finish(holder, until)
}
async function readAll(store: MediaStore, id: MediaId, first = 0, last = 1e9): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.read(id, first, last)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** `reopen` answers a store over the same data. `stored` counts what takes room: contents and unfinished uploads. */
export function mediaContract(
  name: string,
  make: () => MediaStore,
  reopen: () => MediaStore,
  stored: () => Promise<number>,
): void {
  describe(`the media contract: ${name}`, () => {
    const content = png('a picture')
    const id = idOf(content)
    let store: MediaStore
    beforeEach(async () => {
      store = make()
      await store.open()
    })
    afterEach(() => store.close())

    it('keeps content under its hash, with the type that its first bytes tell, also for the next process', async () => {
      expect(await store.find(id)).toBeUndefined()
      const medium = await upload(store, content)
      expect(medium).toMatchObject({ id, size: content.length, type: 'image/png' })
      await store.close()
      store = reopen()
      await store.open()
      expect(await store.find(id)).toEqual(medium)
      expect(await readAll(store, id)).toBe(content.toString('latin1'))
    })

    it('reads by range, both ends included', async () => {
      await upload(store, content)
      expect(await readAll(store, id, 1, 3)).toBe('PNG')
      expect(await readAll(store, id, content.length - 1, content.length - 1)).toBe('e')
      await expect(readAll(store, idOf(Buffer.from('other')))).rejects.toThrow()
    })

    it('keeps empty content too', async () => {
      const empty = Buffer.alloc(0)
      expect(await upload(store, empty)).toMatchObject({ size: 0, type: 'application/octet-stream' })
      expect(await readAll(store, idOf(empty), 0, -1)).toBe('')
    })

    it('goes on with an upload of the same user, also in the next process, and shows it to nobody before its end', async () => {
      const first = await store.begin(alice, id)
      await first.write(content.subarray(0, 5))
      await first.pause()
      expect([await store.begun(alice, id), await store.begun(bob, id)]).toEqual([5, 0])
      expect(await store.find(id)).toBeUndefined()
      await store.close()
      store = reopen()
      await store.open()
      const second = await store.begin(alice, id)
      expect(second.size).toBe(5)
      await second.write(content.subarray(5))
      expect(await second.finish('h', untilReleased)).toMatchObject({ id, size: content.length })
      expect(await store.begun(alice, id)).toBe(0)
      expect(await stored()).toBe(1)
    })

    it('drops content whose hash is not the announced one', async () => {
      const wrong = await store.begin(alice, idOf(Buffer.from('another')))
      await wrong.write(content)
      expect(await wrong.finish('h', untilReleased)).toBeUndefined()
      expect(await store.find(id)).toBeUndefined()
      expect(await stored()).toBe(0)
    })

    it('starts anew, or drops an upload, and nothing of it stays', async () => {
      const anew = await store.begin(alice, id)
      await anew.write(Buffer.from('not this'))
      await anew.restart()
      await anew.write(content)
      expect(await anew.finish('h', untilReleased)).toMatchObject({ size: content.length })
      const dropped = await store.begin(alice, null)
      await dropped.write(content)
      await dropped.drop()
      expect(await stored()).toBe(1)
    })

    it('stores the same content once, whoever uploads it, also at the same time', async () => {
      const uploads = await Promise.all(
        [alice, bob].map(async (user) => {
          const upload = await store.begin(user, null)
          await upload.write(content)
          return upload
        }),
      )
      const media = await Promise.all(uploads.map((upload, n) => upload.finish(`h${n}`, untilReleased)))
      expect(media[0]).toEqual(media[1])
      expect(await stored()).toBe(1)
      expect(await readAll(store, id)).toBe(content.toString('latin1'))
      await store.release('h0')
      expect(await store.find(id)).toBeDefined()
      await store.release('h1')
      expect(await stored()).toBe(0)
    })

    it('collects content once its last reference is over, and what was referred to again stays', async () => {
      const [once, again] = [png('once'), png('again')]
      for (const content of [once, again]) await upload(store, content, 'upload', 1_000)
      expect(await store.refer(idOf(again), ['chat'], 5_000)).toMatchObject({ size: again.length })
      expect(await store.collect(999)).toBe(0)
      expect(await store.collect(1_000)).toBeGreaterThan(0)
      expect([await store.find(idOf(once)), await stored()]).toEqual([undefined, 1])
      await store.refer(idOf(again), ['chat'], 9_000)
      await store.refer(idOf(again), ['chat'], 7_000)
      await upload(store, again, 'chat', 6_000)
      await store.collect(8_999)
      expect(await store.find(idOf(again))).toBeDefined()
      await store.collect(9_000)
      expect(await stored()).toBe(0)
      expect(await store.refer(idOf(again), ['chat'], 99_000)).toBeUndefined()
    })

    it('releases by prefix, of one content or of all, and leaves what others hold', async () => {
      const contents = [png('1'), png('2'), png('3')]
      const [one, two, three] = contents.map(idOf) as [MediaId, MediaId, MediaId]
      for (const content of contents) await upload(store, content, 'alice/bob/1')
      await store.refer(two, ['carol/alice/7'], untilReleased)
      await store.release('alice/bob/', one)
      expect([await store.find(one), await stored()]).toEqual([undefined, 2])
      await store.release('alice/bob/')
      expect([await store.find(three), await stored()]).toEqual([undefined, 1])
      expect(await store.find(two)).toBeDefined()
      await store.release('alic')
      expect(await store.find(two)).toBeDefined()
    })

    it.each([3, 60, 128])(
      'ends what chats of users hold whose names have %s letters, and tells who holds what',
      async (letters) => {
        const [user, chat] = ['u'.repeat(letters) as UserId, 'c'.repeat(letters)]
        const holder = messageHolder(user, chat, '01932c5e-0000-7000-8000-000000000001' as MessageId)
        await upload(store, content, holder, 1_000)
        const held = []
        for await (const one of store.held(`chat\n${user}\n`)) held.push(one)
        expect(held).toEqual([{ holder, id }])
        await store.release(chatHolder(user, chat))
        expect([await store.find(id), await stored()]).toEqual([undefined, 0])
        await upload(store, content, holder, 1_000)
        await store.collect(1_000)
        expect([await store.find(id), await stored()]).toEqual([undefined, 0])
      },
    )

    it('removes uploads that nobody goes on with for a day', async () => {
      const upload = await store.begin(alice, id)
      await upload.write(content)
      await upload.pause()
      await store.collect(Date.now() + dayMs - 60_000)
      expect(await store.begun(alice, id)).toBe(content.length)
      await store.collect(Date.now() + dayMs + 60_000)
      expect([await store.begun(alice, id), await stored()]).toEqual([0, 0])
    })

    it('abandons what a user began, also what is under way, and nothing of others', async () => {
      const other = 'alicia' as UserId
      for (const who of [alice, other]) {
        const upload = await store.begin(who, id)
        await upload.write(content)
        await upload.pause()
      }
      const another = png('another')
      const underWay = await store.begin(alice, idOf(another))
      await underWay.write(another)
      await store.abandon(alice)
      expect([await store.begun(alice, id), await store.begun(other, id)]).toEqual([0, content.length])
      expect(await underWay.finish('h', untilReleased).catch(() => undefined)).toBe(undefined)
      expect(await store.find(idOf(another))).toBe(undefined)
      expect(await upload(store, another)).toMatchObject({ size: another.length })
      expect(await readAll(store, idOf(another))).toBe(another.toString('latin1'))
    })

    it('keeps what is referred to while what else is collected, whatever the order', async () => {
      await upload(store, content, 'upload', 1_000)
      const [kept] = await Promise.all([store.refer(id, ['chat'], 9_000), store.collect(1_000)])
      expect((await store.find(id)) !== undefined).toBe(kept !== undefined)
      expect(await stored()).toBe(kept ? 1 : 0)
    })
  })
}
