/** Who is online, hosted: presence actors with the sessions of their users, and with the store. */
import { expect, it } from 'vitest'
import { toPresence } from '../../actors/addresses.ts'
import { user } from '../contracts/store.ts'
import { house } from './house.ts'

const [ann, bob] = [user('ann'), user('bob')]
const down = () => Promise.reject(new Error('no answer'))
const watch = { is: 'watch', watcher: { session: 9, user: ann, stance: 'open' } } as const
type House = Awaited<ReturnType<typeof house>>

/** Bob's phone is connected, and he is active now. */
async function connected({ attach, done, presences, runtime }: House) {
  attach(bob, 3)
  await expect.poll(() => done).toContainEqual([3, ['live', 0]])
  const phone = { session: 3, activeAt: runtime.clock.monotonic(), away: false }
  presences.push(phone)
  done.length = 0
  return phone
}

it('who watches a user hears at once when they were last seen, by the store; nothing where they never were', async () => {
  const { store, presence, done } = await house()
  await store.saveLastSeen(new Map([[bob, 1_000]]))
  presence.tell(bob, watch)
  presence.tell(user('eve'), watch)
  await expect.poll(() => done).toContainEqual([9, ['presence', 'bob', false, 1_000]])
  await expect.poll(() => done).toContainEqual([9, ['presence', 'eve', false, null]])
})

it('a user whose device is connected is online, and no longer when they do nothing for a while', async () => {
  const node = await house()
  await connected(node)
  node.presence.tell(bob, watch)
  await expect.poll(() => node.done).toContainEqual([9, ['presence', 'bob', true, null]])
  node.pass(21_000)
  await expect.poll(() => node.done).toContainEqual([9, ['presence', 'bob', false, expect.any(Number)]])
})

it('when a user goes it is kept when that was, and who watches hears of it', async () => {
  const node = await house()
  const phone = await connected(node)
  node.presence.tell(bob, watch)
  await expect.poll(() => node.done).toContainEqual([9, ['presence', 'bob', true, null]])
  const before = Date.now()
  node.presence.tell(bob, { is: 'gone', device: phone, at: node.runtime.clock.monotonic() })
  await expect.poll(() => node.done).toContainEqual([9, ['presence', 'bob', false, expect.any(Number)]])
  await expect.poll(() => node.store.lastSeen(bob)).toBeGreaterThan(before - 1_000)
  expect(await node.router.query(toPresence(bob), 'lastSeen')).toBe(await node.store.lastSeen(bob))
})

it.each<[string, () => Promise<never>]>([
  ['what the store did not take', down],
  [
    'what could not be asked for, as where another node has the user for a while,',
    () => {
      throw new Error('another node has bob')
    },
  ],
])('%s is kept some seconds later', async (_, fail) => {
  let fails = true
  const saved: unknown[] = []
  const saveLastSeen = (seen: ReadonlyMap<unknown, unknown>) => {
    saved.push([...seen])
    return fails ? fail() : Promise.resolve()
  }
  const node = await house({ saveLastSeen })
  node.presence.tell(bob, { is: 'gone', device: { session: 3, activeAt: 1, away: false }, at: 1 })
  await expect.poll(() => saved.length).toBe(1)
  fails = false
  await expect
    .poll(() => {
      node.runtime.wheel.hurry()
      return saved.length
    })
    .toBe(2)
  expect(saved[1]).toEqual(saved[0])
})

it('who watches while the store does not answer is told to come again', async () => {
  const { presence, done } = await house({ lastSeen: down })
  presence.tell(bob, watch)
  await expect.poll(() => done).toEqual([[9, ['error', 'busy', 'watch', 'bob', 0, '']]])
})

it('who watches goes on watching when the actor crashes, and hears what the user types', async () => {
  const { runtime, presence, done } = await house()
  presence.tell(bob, watch)
  await expect.poll(() => done).toContainEqual([9, ['presence', 'bob', false, null]])
  presence.tell(bob, { is: 'nonsense' } as never)
  await expect.poll(() => runtime.counters.restarts).toBeGreaterThan(0)
  presence.tell(bob, { is: 'typing', to: ann, what: 1 })
  await expect.poll(() => done).toContainEqual(['hint', 9, ['typing', 'bob', 1, 'bob']])
})

it('a change of the settings reaches those who watch: who may see no more sees nothing', async () => {
  const { store, attach, users, presence, done } = await house()
  await store.saveLastSeen(new Map([[bob, 1_000]]))
  attach(bob, 3)
  presence.tell(bob, watch)
  await expect.poll(() => done).toContainEqual([9, ['presence', 'bob', false, 1_000]])
  users.tell(bob, { is: 'set', session: 3, ref: 'r', setting: ['lastSeen', 'nobody'] as never })
  await expect.poll(() => done).toContainEqual([9, ['presence', 'bob', false, null]])
})
