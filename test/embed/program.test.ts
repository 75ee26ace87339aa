/** What the program that embeds a node does as any of its users. */
import { expect, it } from 'vitest'
import { openSettings } from '../../actors/settings.ts'
import { SendRefused } from '../../src/embed/post.ts'
import { asUsers } from '../../src/embed/program.ts'
import type { NodeMedia } from '../../src/media/media.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { message, user as storeUser } from '../contracts/store.ts'
import { accepted, byHand, id, noting } from '../hosts/byhand.ts'

const picture = { media: 'a'.repeat(64), type: 'image/png', size: 5 }

function program(settings: Partial<Settings> = {}, media?: NodeMedia) {
  const { clock, runtime, turn } = byHand()
  const actors = noting(runtime, { settings: { ...openSettings, ...settings } })
  const limits = { ...completeLimits(), bodyBytes: 10, listed: 1 }
  const store = memoryStore()
  const uuid = () => id(99)
  const users = asUsers({ router: actors.router, clock: { ...clock, uuid }, store, limits, media })
  return { ...users, ...actors, store, turn }
}

/** Why something was refused, under which id, and whether it may be done again. */
const refusal = (done: Promise<unknown>) =>
  done.then(
    () => 'it was done',
    (error) => (error instanceof SendRefused ? [error.code, error.id, error.retry] : error),
  )

it('a send is done when it is durable, and says where; it is no repeat unless the program names its id', async () => {
  const { send, asked, answer, turn } = program()
  let at: unknown
  void send({ from: 'ann', to: 'ben', body: 'hi' }).then((position) => (at = position))
  await turn()
  const deliver = { is: 'deliver', from: 'ann', body: 'hi', origin: { is: 'program' } }
  expect([at, asked]).toMatchObject([undefined, [['user ben', { ...deliver, id: id(99), again: false }]]])
  answer(0, accepted)
  await turn()
  expect([at, asked.length]).toEqual([accepted.at, 1])
  void send({ from: 'ann', to: '#team', body: 'hi', id: id(1) })
  await turn()
  expect(asked[1]).toMatchObject(['group #team', { ...deliver, id: id(1), again: true }])
})

it.each<[string, object, ErrorCode]>([
  ['from nobody', { from: '' }, 'bad_id'],
  ['from a group', { from: '#team' }, 'bad_id'],
  ['to nobody', { to: '' }, 'bad_id'],
  ['under a name that is no id', { id: 'x' }, 'bad_id'],
  ['without a body', { body: undefined }, 'bad_frame'],
  ['with media that is none', { media: { media: 'x' } }, 'bad_frame'],
  ['with a body of more bytes than allowed', { body: 'ääääää' }, 'too_large'],
  ['with media, where the node takes none', { media: picture }, 'unknown_media'],
])('a send %s is refused for good, and no actor is asked', async (_, over, code) => {
  const { send, asked } = program()
  expect(await refusal(send({ from: 'ann', to: 'ben', body: 'hi', ...over }))).toMatchObject([
    code,
    expect.any(String),
    false,
  ])
  expect(asked).toEqual([])
})

it('what an actor refuses for now may be done again under the id that it was given', async () => {
  const { send, answer, turn, mailboxes } = program()
  const done = refusal(send({ from: 'ann', to: 'ben', body: 'hi' }))
  await turn()
  answer(0, { is: 'refused', code: 'inbox_full' })
  expect(await done).toEqual(['inbox_full', id(99), true])
  mailboxes.take = false
  expect(await refusal(send({ from: 'ann', to: 'ben', body: 'hi', id: id(1) }))).toEqual(['busy', id(1), true])
})

it('media that is sent is held for its message before any actor is asked', async () => {
  const held: unknown[] = []
  const attach = async (...args: unknown[]) => void held.push(args)
  const { send, asked, turn } = program({}, { attach } as unknown as NodeMedia)
  void send({ from: 'ann', to: 'ben', body: '', media: picture })
  expect(asked).toEqual([])
  await turn()
  expect([held, asked]).toMatchObject([[[picture, 'ann', id(99)]], [['user ben', { media: picture }]]])
})

it('a message of a permanent chat is done when its sender has a copy as well; one to oneself needs none', async () => {
  const { send, asked, answer, turn } = program()
  const permanent = { ...accepted, lifetime: 'permanent' } as const
  let done = 0
  void send({ from: 'ann', to: 'ben', body: 'hi' }).then(() => (done += 1))
  await turn()
  answer(0, permanent)
  await turn()
  const copy = { is: 'copy', to: 'ben', id: id(99), at: accepted.at, time: 50, lifetime: 'permanent' }
  expect([done, asked[1]]).toMatchObject([0, ['user ann', copy]])
  answer(1, accepted)
  await turn()
  expect(done).toBe(1)
  void send({ from: 'ann', to: 'ann', body: 'hi' }).then(() => (done += 1))
  await turn()
  answer(2, permanent)
  await turn()
  expect([done, asked.length]).toEqual([2, 3])
})

it('a lifetime is changed on both sides of a chat, in a group in its log', async () => {
  const { setLifetime, asked, answer, turn } = program()
  void setLifetime('ann', 'ben', 'temporary')
  void setLifetime('ann', '#team', 'temporary')
  await turn()
  for (const nth of [0, 1]) answer(nth, accepted)
  await turn()
  const change = { from: 'ann', body: 'temporary', change: 'lifetime' }
  expect(asked).toMatchObject([
    ['user ben', { is: 'deliver', ...change }],
    ['group #team', { is: 'deliver', ...change }],
    ['user ann', { is: 'copy', to: 'ben', body: 'temporary', change: 'lifetime' }],
  ])
})

it('a user whose list of lifetimes is full changes those that are on it, and those of groups, and no other', async () => {
  const lifetimes = [{ chat: storeUser('ben'), lifetime: 'temporary', time: 1, id: id(1) }] as const
  const { setLifetime, asked, turn } = program({ lifetimes: lifetimes as never })
  expect(await refusal(setLifetime('ann', 'cat', 'temporary'))).toEqual(['list_full', id(99), false])
  expect(await refusal(setLifetime('ann', 'ben', 'for ever'))).toEqual(['bad_frame', id(99), false])
  expect(asked).toEqual([])
  void setLifetime('ann', 'ben', 'permanent')
  void setLifetime('ann', '#team', 'permanent')
  await turn()
  expect(asked.map(([to]) => to)).toEqual(['user ben', 'group #team'])
})

it('a chat is deleted from its first message to its last, and may be again where that was refused', async () => {
  const { deleteChat, asked, answer, turn } = program()
  const done = refusal(deleteChat('ann', 'ben'))
  await turn()
  expect(asked).toMatchObject([['user ann', { is: 'erase', chat: 'ben', from: 1 }]])
  answer(0, { is: 'refused', code: 'busy' })
  expect(await done).toEqual(['busy', '', true])
  expect(await refusal(deleteChat('', 'ben'))).toEqual(['bad_id', '', false])
})

it('a history tells who wrote what, newest first; own messages are of oneself', async () => {
  const { history, store } = program()
  await store.open()
  const ann = storeUser('ann')
  const theirs = { ...message(1, 10), lifetime: 'permanent' } as const
  const own = {
    is: 'copy',
    seq: 2,
    time: 20,
    id: id(2),
    to: storeUser('alice'),
    body: 'mine',
    lifetime: 'permanent',
  } as const
  await store.append(ann, 7, 1, [theirs, { ...own, at: { epoch: 3, seq: 4 } } as never])
  const past = await history('ann', 'alice')
  expect(past).toMatchObject([
    { id: id(2), from: 'ann', body: 'mine', seq: 2, time: 20 },
    { from: 'alice', seq: 1, time: 10 },
  ])
  expect(await history('ann', 'alice', { before: { time: 20, seq: 2 } })).toEqual(past.slice(1))
  expect(await history('ann', 'alice', { limit: 1 })).toEqual(past.slice(0, 1))
  await expect(history('ann', 'alice', { limit: 0 })).rejects.toThrow('limit must be a whole number from 1')
  await expect(history('ann', 'alice', { last: 5 } as never)).rejects.toThrow('history has no option last')
})
