/** Chats that are told of because a history has them. */
import { expect, it } from 'vitest'
import type { KnownChat } from '../../actors/user/listing.ts'
import { pastChats } from '../../src/hosts/logs/histories.ts'
import { memoryStore } from '../../src/index.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { ChatId } from '../../src/protocol/ids.ts'
import { sealedKinds, sealedMark } from '../../src/protocol/sealed.ts'
import { systemClock } from '../../src/runtime/index.ts'
import { message, user } from '../contracts/store.ts'

const bob = user('bob')
const quiet = Uint8Array.of(...sealedMark, sealedKinds.quiet)

/** Messages of bob's permanent chats, one after the other: who wrote each, and what. */
async function kept(...said: readonly (readonly [from: string, body: string | Uint8Array])[]) {
  const store = memoryStore()
  await store.open()
  const entries = said.map(([from, body], n) => ({ ...message(n + 1, n, body), from, lifetime: 'permanent' }) as Entry)
  await store.append(bob, 7, 1, entries)
  return store
}
const known = (...chats: readonly (readonly [string, number])[]) =>
  new Map(chats.map(([chat, seq]) => [chat as ChatId, { seq } as KnownChat]))

it('each has its newest message of those that are known, but for what no person sees, and none that the inbox has', async () => {
  const store = await kept(
    ['ann', 'one'],
    ['cat', 'hello'],
    ['ann', quiet],
    ['dan', 'here'],
    ['eve', quiet],
    ['cat', 'x'],
  )
  const found = await pastChats(store, systemClock, bob, known(['dan', 4], ['cat', 0]), 5)
  expect([...found].sort((a, b) => a.seq - b.seq)).toEqual([
    { chat: 'ann', seq: 1, time: 0, lifetime: 'permanent' },
    { chat: 'cat', seq: 2, time: 1, lifetime: 'permanent' },
  ])
})

it('some are looked at side by side, and others have their turn after them', async () => {
  const store = await kept(...Array.from({ length: 40 }, (_, n) => [`user ${n}`, 'x'] as const))
  let [running, most, turns] = [0, 0, 0]
  const history: typeof store.history = async (...asked) => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    running -= 1
    return store.history(...asked)
  }
  const soon = (run: () => void) => {
    turns += 1
    systemClock.soon(run)
  }
  expect(await pastChats({ ...store, history }, { soon }, bob, known(), 40)).toHaveLength(40)
  expect([most, turns]).toEqual([16, 3])
})
