/** An outbox takes what happened, hands it to whoever sends, and forgets what is sent. */
import { expect, it } from 'vitest'
import { receive, recover, sentUpTo, startOutbox, unanswered } from '../../../actors/outbox/outbox.ts'
import type { OutboxEffect, OutboxMessage, OutboxState } from '../../../actors/outbox/types.ts'
import type { MessageId, Seq, UserId } from '../../../src/protocol/ids.ts'
import { limits as some } from '../limits.ts'
import { asked } from '../turns.ts'

const limits = { ...some, appendsInFlight: 100, waiting: 32 }
const box = 'outbox' as UserId
const tell = (state: OutboxState, message: OutboxMessage): OutboxEffect[] =>
  asked(receive, state, message, { now: 1_000, limits })

const record = (first: number, count: number, ticket: number, again = false): OutboxMessage => ({
  is: 'record',
  of: 'ann' as UserId,
  events: Array.from({ length: count }, (_, n) => ({ id: `${first + n}` as MessageId, body: 'b' })),
  lifetime: 'temporary',
  again,
  ticket,
})
const durable = (state: OutboxState, last: Seq) => tell(state, { is: 'appended', first: 1, last })

it('answers when the last of what was recorded is durable', () => {
  const state = startOutbox(box, undefined, 7)
  const effects = tell(state, record(1, 3, 5))
  expect(effects.map((effect) => effect.do)).toEqual(['append', 'append', 'append'])
  expect(durable(state, 2)).toEqual([])
  expect(durable(state, 3)).toMatchObject([{ do: 'answer', ticket: 5, answer: { is: 'accepted' } }])
})

it('where not all fit, whoever recorded is refused, and may record all again: what is there already is found', () => {
  const state = startOutbox(box, undefined, 7)
  tell(state, record(1, 99, 1))
  expect(tell(state, record(100, 3, 2)).at(-1)).toMatchObject({ do: 'answer', ticket: 2, answer: { code: 'busy' } })
  durable(state, 100)
  expect(tell(state, record(100, 3, 3, true))).toMatchObject([{ do: 'find', keys: [{ sender: 'ann', id: '101' }] }])
  const [next] = tell(state, { is: 'found', repeats: [undefined] })
  expect(next).toMatchObject({ do: 'append', entries: [{ seq: 101, id: '101' }] })
})

it('hands on what was not sent, and tells what has become durable at once', () => {
  const state = startOutbox(box, undefined, 7)
  tell(state, record(1, 2, 1))
  durable(state, 2)
  expect(tell(state, { is: 'begin', ref: 1 })).toContainEqual({
    do: 'fetch',
    reader: 1,
    from: 1,
    limit: 8,
    bytes: 1_000,
  })
  const entries = [1, 2].map((seq) => ({ is: 'gone' as const, seq, time: 1 }))
  expect(tell(state, { is: 'page', reader: 1, from: 1, entries })).toContainEqual({ do: 'send', ref: 1, entries })
  tell(state, { is: 'ack', ref: 1, seq: 2 })
  tell(state, record(3, 1, 2))
  expect(durable(state, 3)).toMatchObject([
    { do: 'answer' },
    { do: 'send', ref: 1, entries: [{ seq: 3, from: 'ann' }] },
  ])
  tell(state, { is: 'ack', ref: 0, seq: 3 })
  expect(sentUpTo(state)).toBe(2)
})

it('what is sent leaves the store once that is saved', () => {
  const state = startOutbox(box, undefined, 7)
  tell(state, { is: 'begin', ref: 1 })
  tell(state, record(1, 1, 1))
  durable(state, 1)
  tell(state, { is: 'ack', ref: 1, seq: 1 })
  tell(state, { is: 'timer', timer: 'save' })
  expect(tell(state, { is: 'saved', ok: true })).toContainEqual({
    do: 'start',
    started: { is: 'temporary', upTo: 1 },
    tail: 1,
    session: 0,
  })
})

it('of more than may wait the oldest are given up', () => {
  const state = startOutbox(box, undefined, 7)
  tell(state, { is: 'begin', ref: 1 })
  tell(state, record(1, 40, 1))
  const lost = durable(state, 40).filter((effect) => effect.do === 'lose')
  expect(lost.at(-1)?.upTo).toBe(sentUpTo(state))
  expect(lost.reduce((sum, { events }) => sum + events, 0)).toBe(sentUpTo(state))
  expect(40 - sentUpTo(state)).toBeLessThanOrEqual(32)
})

it('what has expired before it was sent is given up', () => {
  const record = { head: 5, tail: 6, lastTime: 1, settled: 2, waiting: null, lives: [], was: 0, epoch: 7 }
  const cursors = [{ device: 'sender' as never, seq: 2, seenAt: 1 }]
  const state = startOutbox(box, { ...record, cursors }, 1)
  tell(state, { is: 'begin', ref: 1 })
  const entries = [5, 6].map((seq) => ({ is: 'gone' as const, seq, time: 1 }))
  const effects = tell(state, { is: 'page', reader: 1, from: 3, entries })
  expect(effects).toContainEqual({ do: 'lose', upTo: 4, events: 2 })
  expect(effects).toContainEqual({ do: 'send', ref: 1, entries })
})

it('who recorded what a crash forgets is told; questions, and who sends, come to the next life', () => {
  const state = startOutbox(box, undefined, 7)
  tell(state, record(1, 2, 4))
  tell(state, record(3, 1, 5, true))
  expect(unanswered(state)).toEqual([4, 5])
  const begin: OutboxMessage = { is: 'begin', ref: 2 }
  expect(recover(state, [{ is: 'appended', first: 1, last: 2 }, { is: 'timer', timer: 'save' }, begin])).toEqual([
    begin,
  ])
})
