/** What waits in an outbox costs no memory, and bounded room in the store. */
import { expect, it } from 'vitest'
import { toOutbox } from '../../actors/addresses.ts'
import type { OutboxMessage } from '../../actors/outbox/types.ts'
import { Outboxes } from '../../src/hosts/outboxes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { MessageId, UserId } from '../../src/protocol/ids.ts'
import { house } from './house.ts'

const box = 'outbox\t1' as UserId

/** Whoever sends holds what it is brought, until the test says that it is sent. */
async function start(waiting: number) {
  const { logs, store, term, router } = await house()
  const held: Entry[] = []
  let [ref, lost] = [0, 0]
  const boxes = new Outboxes(
    { ...logs, term, store, waiting, ahead: 1_024 },
    {
      begins: () => {},
      ends: () => {},
      take(_, reading, entries) {
        if (reading !== ref) held.length = 0
        ref = reading
        held.push(...entries)
      },
      lose(_, upTo, events) {
        lost += events
        while ((held[0]?.seq ?? Number.POSITIVE_INFINITY) <= upTo) held.shift()
      },
    },
  )
  let recorded = 0
  const record = (count: number) => {
    const events = Array.from({ length: count }, () => {
      recorded += 1
      return { id: `${recorded}` as MessageId, body: `event ${recorded}` }
    })
    const message = { is: 'record', of: 'ann' as UserId, events, lifetime: 'temporary', again: false } as const
    return new Promise<string>((resolve) =>
      router.ask(
        toOutbox(box),
        (ticket): OutboxMessage => ({ ...message, ticket }),
        ({ is }) => resolve(is),
      ),
    )
  }
  const send = () => {
    boxes.ack(box, ref, held.at(-1)?.seq ?? 0)
    held.length = 0
  }
  const left = async () => (await store.read(box, 1, 10_000, 1e9, Date.now())).filter(({ is }) => is !== 'gone').length
  return { boxes, held, record, send, left, lost: () => lost }
}

it('a service that takes nothing has a window of events in memory, and the rest in the store', async () => {
  const { boxes, held, record, send, left } = await start(1e6)
  for (let n = 0; n < 10; n++) expect(await record(500)).toBe('accepted')
  boxes.begin(box)
  await expect.poll(() => held.length).toBe(1_024)
  expect([boxes.waiting, held.length]).toEqual([5_000, 1_024])
  const sending = () => {
    send()
    return boxes.waiting
  }
  await expect.poll(sending).toBe(0)
  await expect.poll(left).toBe(0)
})

it('of more than may wait the oldest leave the store, and are told of as lost', async () => {
  const { boxes, held, record, left, lost } = await start(1_000)
  boxes.begin(box)
  for (let n = 0; n < 10; n++) expect(await record(500)).toBe('accepted')
  await expect.poll(() => boxes.waiting).toBeLessThanOrEqual(1_000)
  expect(lost() + boxes.waiting).toBe(5_000)
  expect(held.length).toBeLessThanOrEqual(1_024)
  await expect.poll(left).toBeLessThanOrEqual(1_000)
})

it('another reading brings what was not acknowledged', async () => {
  const { boxes, held, record } = await start(1e6)
  boxes.begin(box)
  await record(3)
  await expect.poll(() => held.length).toBe(3)
  boxes.begin(box)
  await expect.poll(() => held.map(({ seq }) => seq)).toEqual([1, 2, 3])
})
