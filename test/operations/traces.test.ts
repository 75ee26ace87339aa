/** What operators see of a user, and of what became of a message. */
import { expect, it, vi } from 'vitest'
import { inspectMessage, inspectUser } from '../../src/operations/inspect.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { Reads } from '../../src/store/contract.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { message, user } from '../contracts/store.ts'
import { byHand, noting } from '../hosts/byhand.ts'

const [alice, bob] = [user('alice'), user('bob')]

/** A store in which bob has a message of alice, and what bob's actor knows. */
async function looking(cursors: Readonly<Record<string, number>>, lastSeen?: number, reads: Reads = new Map()) {
  const { clock, runtime } = byHand()
  const devices = Object.entries(cursors).map(([device, cursor]) => ({
    device,
    cursor,
    connected: cursor > 0,
    seenAt: 1,
    unacknowledged: 2,
  }))
  const { router } = noting(runtime, { inbox: { epoch: 7, tail: 2, devices }, lastSeen, reads: [...reads] })
  const store = memoryStore()
  await store.open()
  const sent = message(2, clock.now()) as Extract<Entry, { is: 'message' }>
  await store.append(bob, 7, 1, [message(1, clock.now()), sent])
  const trace = () => inspectMessage(router, store, sent.id, clock.now())
  const steps = async () => (await trace()).map(({ step, text }) => `${step}: ${text}`)
  const inspect = () => inspectUser(router, store, 3, bob, clock.now())
  return { store, clock, steps, trace, inspect }
}

const durable = 'sent: from alice, durable in the inbox of bob at seq 2'

it('a message that no device has yet waits, and it is told for which', async () => {
  expect(await (await looking({})).steps()).toEqual([durable, 'waiting: no device of bob has it yet'])
  const { steps } = await looking({ phone: 1, laptop: 0 })
  expect(await steps()).toEqual([durable, 'waiting: no device of bob has it yet: phone, laptop'])
})

it('a message is delivered when a device has it, also where others lack it', async () => {
  const { steps } = await looking({ phone: 2, laptop: 1 })
  expect(await steps()).toEqual([durable, "delivered: acknowledged by bob's phone"])
})

it("a message is read when its sender's inbox says so: at that time, and not by what was read before it", async () => {
  const { store, trace, clock } = await looking({ phone: 2 })
  const receipt = (seq: number, read: number, time: number): Entry => ({
    is: 'receipt',
    seq,
    time,
    peer: bob,
    epoch: 7,
    delivered: 2,
    read,
  })
  const now = clock.now()
  await store.append(alice, 9, 1, [receipt(1, 1, now)])
  expect((await trace()).map(({ step }) => step)).toEqual(['sent', 'delivered'])
  await store.append(alice, 9, 1, [receipt(2, 2, now + 5)])
  expect((await trace()).at(-1)).toEqual({ step: 'read', at: now + 5, text: "alice's inbox holds the read receipt" })
})

it('a message is read as soon as its recipient knows: before a receipt is written, and where none ever is', async () => {
  const { trace } = await looking({ phone: 2 }, undefined, new Map([[alice, 2]]))
  expect((await trace()).at(-1)).toEqual({ step: 'read', at: null, text: 'bob has read it' })
  for (const [chat, upTo] of [
    [alice, 1],
    [user('carol'), 2],
  ] as const) {
    const unread = await looking({ phone: 2 }, undefined, new Map([[chat, upTo]]))
    expect((await unread.trace()).map(({ step }) => step)).toEqual(['sent', 'delivered'])
  }
})

it('a message is read when an entry in the inbox of its recipient says so, for their other devices', async () => {
  const { store, trace, clock } = await looking({ phone: 4 })
  const seen = (seq: number, chat: string, upTo: number): Entry => {
    return { is: 'seen', seq, time: clock.now() + seq, chat: user(chat), upTo }
  }
  await store.append(bob, 7, 1, [seen(3, 'alice', 1), seen(4, 'carol', 2)])
  expect((await trace()).map(({ step }) => step)).toEqual(['sent', 'delivered'])
  await store.append(bob, 7, 1, [seen(5, 'alice', 2), seen(6, 'alice', 2)])
  expect((await trace()).at(-1)).toEqual({ step: 'read', at: clock.now() + 5, text: 'bob has read it' })
})

it('what came to the sender long before the message is not read to find its receipt', async () => {
  const { store, trace, clock } = await looking({ phone: 2 })
  const before = clock.now() - 3_600_000
  await store.append(
    alice,
    9,
    1,
    Array.from({ length: 2000 }, (_, n) => message(n + 1, before)),
  )
  const read = vi.spyOn(store, 'read')
  expect((await trace()).map(({ step }) => step)).toEqual(['sent', 'delivered'])
  const asked = read.mock.calls.filter(([owner]) => owner === alice).map(([, , limit]) => limit)
  expect(asked).toEqual([256])
})

it('a user is shown with devices and mailbox, and was seen no later than now, whatever the clock said then', async () => {
  const { inspect, clock } = await looking({ phone: 2 }, 9_999_999_999_999)
  expect(await inspect()).toEqual({
    user: 'bob',
    actor: { path: null, status: 'absent', mailbox: 0, restarts: 0 },
    epoch: 7,
    tail: 2,
    term: 3,
    devices: [{ device: 'phone', cursor: 2, connected: true, unacknowledged: 2 }],
    lastSeen: clock.now(),
    lifetimes: [],
    waiting: null,
  })
  expect((await (await looking({})).inspect())?.lastSeen).toBe(null)
})
