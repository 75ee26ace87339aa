/** What becomes of the messages and the media of a chat that a user deletes. */
import { expect, it } from 'vitest'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { Deletion } from '../../actors/user/pending.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { deletion } from '../../src/hosts/logs/deletions.ts'
import { memoryStore } from '../../src/index.ts'
import type { MediaStore } from '../../src/media/contract.ts'
import { Holds } from '../../src/media/holds.ts'
import { NodeMedia } from '../../src/media/media.ts'
import { Vanishing } from '../../src/media/vanishing.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { Store } from '../../src/store/contract.ts'
import { copy, message, user } from '../contracts/store.ts'

const [alice, bob, carol] = [user('alice'), user('bob'), user('carol')]
const clock = systemClock

/** Who holds which content. */
function mediaHolds() {
  const held = new Map<string, string>()
  const store = {
    retentionMs: 1_000,
    refer: async (id: string, holders: readonly string[]) => {
      for (const holder of holders) held.set(holder, id)
    },
    release: async (prefix: string, id?: string) => {
      for (const [holder, content] of held)
        if (holder.startsWith(prefix) && (!id || id === content)) held.delete(holder)
    },
    held: async function* (prefix: string) {
      for (const [holder, id] of held) if (holder.startsWith(prefix)) yield { holder, id }
    },
  }
  const media = new NodeMedia(store as unknown as MediaStore, defaultLimits, clock)
  return { held, media, holds: new Holds(media) }
}

/** Bob's inbox, and what he holds of media. */
async function start(entries: readonly Entry[], eraseOf = (store: Store) => store.erase) {
  const store = memoryStore()
  await store.open()
  const { held, media, holds } = mediaHolds()
  const term = await store.takeTerm()
  await holds.append(bob, entries, () => store.append(bob, 7, term, entries))
  const calendar = new Calendar(clock, undefined)
  const ask = (effect: Extract<UserEffect, { do: 'findSpan' | 'erase' }>) =>
    deletion({ store: { ...store, erase: eraseOf(store) }, heed: null, holds, calendar }, bob, effect)
  const asked = (from: number, end: number, chat = alice): Deletion => {
    return { by: { is: 'session', session: 1 }, chat, from, upTo: end, end, waits: 0, written: false }
  }
  const look = (from: number, upTo: number, chat = alice) =>
    ask({ do: 'findSpan', deletion: asked(from, upTo, chat), from, upTo })
  const erase = (from: number, end: number) => ask({ do: 'erase', deletion: asked(from, end) })
  const inbox = async () => (await store.read(bob, 1, 100, 1e6, clock.now())).map(({ is }) => is)
  const history = async (chat = alice) => (await store.history(bob, chat, null, 100, 1e6)).map(({ seq }) => seq)
  /** The content that bob holds; what its sender does is none of his. */
  const bobs = () => [
    ...new Set([...held].flatMap(([holder, content]) => (holder.split('\n')[1] === 'bob' ? [content] : []))),
  ]
  /** As those do who look after what passes, hours later. */
  const lookedAfter = () => new Vanishing(store, media, holds).look(clock.now() + 7_200_000)
  return { store, look, erase, lookedAfter, inbox, history, bobs }
}
const permanent = { lifetime: 'permanent' }
const of = (entry: Entry, more: object): Entry => ({ ...(entry as Carrier), ...more }) as Entry
const from = (seq: number, sender = alice, more: object = {}) => of(message(seq), { from: sender, ...more })
const carried = (name: string) => ({ media: { media: name, type: 'image/png', size: 1 } })

it('of a chat it is found where its messages begin, and where the last stands with its sender', async () => {
  const place = { group: user('#tea'), epoch: 3, at: 90 }
  const { look } = await start([from(1, carol), from(2), copy(3), from(4), from(5, carol, { place }), from(6, carol)])
  expect(await look(1, 6)).toMatchObject({ is: 'spanFound', found: { first: 2, at: 4 } })
  expect(await look(3, 6)).toMatchObject({ found: { first: 4, at: 4 } })
  expect(await look(1, 3)).toMatchObject({ found: { first: 2, at: 2 } })
  expect(await look(1, 6, user('#tea'))).toMatchObject({ found: { first: 5, at: 90 } })
  expect(await look(1, 6, user('dave'))).toMatchObject({ found: { first: 0, at: 0 } })
})

it('what a user deletes leaves the inbox and the history, own copies too, and nothing of another chat does', async () => {
  const { erase, inbox, history } = await start([
    from(1, alice, permanent),
    from(2, carol, permanent),
    of(copy(3), { to: alice, ...permanent }),
    from(4, alice, permanent),
  ])
  expect(await erase(1, 3)).toMatchObject({ is: 'erased', ok: true })
  expect(await inbox()).toEqual(['gone', 'message', 'gone', 'message'])
  expect([await history(), await history(carol)]).toEqual([[4], [2]])
})

it('media of a deleted message is let go, and that of the rest of the chat stays', async () => {
  const { erase, bobs } = await start([
    from(1, alice, carried('a')),
    from(2, alice, carried('b')),
    from(3, carol, carried('c')),
  ])
  expect(bobs()).toEqual(['a', 'b', 'c'])
  await erase(2, 2)
  expect(bobs()).toEqual(['a', 'c'])
})

it('a deleted chat lets all its media go, also of what left the inbox long ago; what came since keeps its own', async () => {
  const old = from(1, alice, { ...carried('old'), ...permanent, time: 1 })
  const { store, erase, inbox, bobs } = await start([old, from(2, alice, carried('a')), from(3, alice, carried('new'))])
  await store.expire(clock.now())
  expect(await inbox()).toHaveLength(2)
  await erase(1, 2)
  expect(bobs()).toEqual(['new'])
  await erase(1, 3)
  expect(bobs()).toEqual([])
})

it.each([
  ['of any chat', {}],
  ['of a permanent chat', permanent],
])('media stays until its message is erased for sure: %s', async (_, lifetime) => {
  let during: readonly string[] = []
  const world = await start([from(1, alice, { ...carried('a'), ...lifetime })], () => async () => {
    during = world.bobs()
    throw new Error('no answer')
  })
  expect(await world.erase(1, 1)).toMatchObject({ is: 'erased', ok: false })
  expect([during, world.bobs()]).toEqual([['a'], ['a']])
  await world.lookedAfter()
  expect(world.bobs()).toEqual(['a'])
})

it('media of a permanent message is let go, too, where the node was killed when its message was gone', async () => {
  const killed =
    (store: Store) =>
    async (...args: Parameters<Store['erase']>) => {
      await store.erase(...args)
      throw new Error('killed')
    }
  const { erase, lookedAfter, bobs } = await start([from(1, alice, { ...carried('a'), ...permanent })], killed)
  await erase(1, 1)
  expect(bobs()).toEqual(['a'])
  await lookedAfter()
  expect(bobs()).toEqual([])
})

it('an actor hears that the store did not answer: nothing rejects', async () => {
  const { store, look, erase } = await start([from(1)])
  await store.close()
  expect(await look(1, 1)).toMatchObject({ is: 'spanFound', found: null })
  expect(await erase(1, 1)).toMatchObject({ is: 'erased', ok: false })
})

it('nothing is erased where its media cannot be held until it is, and nobody else hears of that', async () => {
  const store = memoryStore()
  await store.open()
  const entries = [1, 2].map((seq) => from(seq, alice, { ...permanent, ...carried('m') }))
  await store.append(bob, 7, await store.takeTerm(), entries)
  const refer = () => Promise.reject(new Error('the disk of media is full'))
  const holds = new Holds(new NodeMedia({ refer } as unknown as MediaStore, defaultLimits, clock))
  const unheard: unknown[] = []
  const hear = (error: unknown) => void unheard.push(error)
  process.on('unhandledRejection', hear)
  // The history comes a turn of the loop later, when the first has failed.
  const history: Store['history'] = async (...asked) => {
    await new Promise((resolve) => setImmediate(resolve))
    return store.history(...asked)
  }
  const context = { store: { ...store, history }, heed: null, holds, calendar: new Calendar(clock, undefined) }
  const asked: Deletion = {
    by: { is: 'session', session: 1 },
    chat: alice,
    from: 1,
    upTo: 2,
    end: 2,
    waits: 0,
    written: false,
  }
  expect(await deletion(context, bob, { do: 'erase', deletion: asked })).toMatchObject({ is: 'erased', ok: false })
  await new Promise((resolve) => setImmediate(resolve))
  process.off('unhandledRejection', hear)
  expect(unheard).toEqual([])
  expect((await store.read(bob, 1, 9, 1e6, clock.now())).map(({ is }) => is)).toEqual(['message', 'message'])
})
