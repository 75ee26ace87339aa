/** What becomes of a user whose shard is given up. */
import { expect, it, onTestFinished } from 'vitest'
import type { Accepted } from '../../actors/log/types.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { oneSpell } from '../../src/hosts/spells.ts'
import { hostUsers } from '../../src/hosts/users.ts'
import { memoryStore } from '../../src/index.ts'
import { Holds } from '../../src/media/holds.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { Asks, Router, shardOf, startRuntime, systemClock } from '../../src/runtime/index.ts'
import { message } from '../contracts/store.ts'

const bob = 'bob' as UserId

/** A user of two messages, who is connected. */
async function host(clock = systemClock) {
  const store = memoryStore()
  await store.open()
  const term = await store.takeTerm()
  await store.append(bob, 7, term, [message(1, 1_000), message(2, 1_000)])
  const runtime = startRuntime({ clock })
  onTestFinished(() => runtime.stop())
  const pushed: unknown[] = []
  const router = new Router(new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' }))
  const users = hostUsers({
    runtime,
    router,
    store,
    spellOf: oneSpell(store, term),
    term,
    life: 0,
    limits: defaultLimits,
    lifetime: 'default',
    sessions: { push: (_session: number, frame: unknown) => pushed.push(frame), welcome: () => {} } as never,
    events: { accepted: () => {}, receipted: () => {} },
    holds: new Holds(undefined),
    calendar: new Calendar(runtime.clock, undefined),
    onFault: () => {},
    swallows: false,
  })
  router.lead('presence', { tellIfPresent: () => {} } as never)
  users.tell(bob, { is: 'attach', session: 1, device: 'phone' as DeviceId, cursor: null })
  await expect.poll(() => pushed.length).toBeGreaterThan(1)
  return { store, runtime, users, router }
}

/** No timer of it ever runs out. */
const stopped = { ...systemClock, every: () => () => {} }

it('what their device has acknowledged is saved, which else would wait for minutes, and they come back from the store', async () => {
  const { store, runtime, users, router } = await host()
  users.tell(bob, { is: 'ack', session: 1, seq: 2 })
  await runtime.release(shardOf(bob, 1_024), 60_000)
  expect(users.inspect(bob).status).toBe('absent')
  expect((await store.load(bob))?.cursors).toMatchObject([{ device: 'phone', seq: 2 }])
  expect(await router.query({ kind: 'user', id: bob } as never, 'inbox' as never)).toMatchObject({ epoch: 7, tail: 2 })
})

it('what was told at once, and waits to be written with something else, is written at once, and no clock is waited for', async () => {
  const { store, runtime, users } = await host(stopped)
  users.tell(bob, { is: 'ack', session: 1, seq: 2 })
  users.tell(bob, { is: 'receipt', from: 'ann' as UserId, epoch: 7, delivered: 3, read: 3, again: false })
  await runtime.release(shardOf(bob, 1_024), 60_000)
  const kept = await store.read(bob, 3, 9, 1_000, 0)
  expect(kept).toMatchObject([{ is: 'receipt', seq: 3, peer: 'ann', delivered: 3, read: 3 }])
  expect((await store.load(bob))?.cursors).toMatchObject([{ device: 'phone', seq: 2 }])
})
