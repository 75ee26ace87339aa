/** Every message of this user that is not read or refused yet. */
import { expect, it } from 'vitest'
import { Outbox } from '../../../src/client/session/outbox.ts'
import { names, place, queued, sentAt } from './sent.ts'

const told = (delivered: number, read: number, epoch = 7) => ({ epoch, delivered, read })
/** With messages to bob that are sent. */
function sent(...seqs: number[]) {
  const outbox = new Outbox()
  for (const seq of seqs) outbox.add(sentAt(seq))
  const states = () => outbox.list().map(({ id, state }) => [id, state])
  return { outbox, states }
}

it('ticks rise in order, and what is read leaves, though it is known for a while', () => {
  const { outbox, states } = sent(1, 2, 3)
  expect(names(outbox.receipt('bob', told(3, 1)))).toEqual(['m1', 'm2', 'm3'])
  expect(states()).toEqual([
    ['m2', 'delivered'],
    ['m3', 'delivered'],
  ])
  expect(outbox.over('m1')?.state).toBe('read')
})

it('a receipt that says less, or the same again, changes nothing', () => {
  const { outbox } = sent(1, 2)
  outbox.receipt('bob', told(2, 1))
  expect(outbox.receipt('bob', told(2, 1))).toEqual([])
  expect(outbox.receipt('bob', told(1, 0))).toEqual([])
})

it('a receipt that comes before the answer to the message raises it with that', () => {
  const outbox = new Outbox()
  const out = queued(1)
  outbox.add(out)
  outbox.receipt('bob', told(4, 4))
  expect(names(outbox.sent(out, place(3)))).toEqual(['m1'])
  expect(out.message.state).toBe('read')
})

it('what is refused for good leaves with its code', () => {
  const outbox = new Outbox()
  const out = queued(1)
  outbox.add(out)
  outbox.lines.next()
  outbox.refused(out, 'blocked')
  expect(outbox.get('m1')).toBeUndefined()
  expect(outbox.over('m1')).toMatchObject({ state: 'refused', code: 'blocked' })
  expect(outbox.waiting).toEqual({ count: 0, bytes: 0 })
})

it('counts what waits to be sent, in messages and bytes', () => {
  const outbox = new Outbox()
  const out = queued(1, 'bob', { body: 'hello' })
  outbox.add(out)
  expect(outbox.waiting).toEqual({ count: 1, bytes: 5 })
  outbox.sent(out, place(1))
  expect(outbox.waiting).toEqual({ count: 0, bytes: 0 })
})

it('a message vanishes when its time is over, and never before', () => {
  const { outbox } = sent(1)
  const out = queued(2)
  outbox.add(out)
  outbox.sent(out, { ...place(2), lifetime: 'sent 100' as never, expires: 500 })
  expect(outbox.expiresAt).toBe(500)
  expect(outbox.due(499)).toEqual([])
  expect(names(outbox.due(500))).toEqual(['m2'])
})

it('what was forgotten is told to nobody, and holds nothing', () => {
  const { outbox } = sent(1)
  const out = outbox.get('m1')
  if (out) outbox.forget(out)
  expect(outbox.over('m1')).toBeNull()
  expect(outbox.receipt('bob', told(1, 1))).toEqual([])
  expect(outbox.marks('bob')).toEqual([])
})

it('in another life of the node no tick rises until it has said what holds, and what was lost is sent again', () => {
  const outbox = new Outbox()
  outbox.welcome(1)
  for (const seq of [1, 2, 3]) outbox.add(sentAt(seq, 7, 'bob', 1))
  outbox.welcome(2)
  expect([...outbox.questions]).toEqual([{ to: 'bob', epoch: 7, life: 1, seq: 3 }])
  expect(outbox.receipt('bob', told(3, 3, 8))).toEqual([])
  const { lost, moved } = outbox.answer({ to: 'bob', epoch: 7, life: 1, upTo: 2, now: 8 })
  expect([names(lost), names(moved)]).toEqual([['m3'], ['m1', 'm2']])
  expect(names([outbox.lines.next()])).toEqual(['m3'])
})

it('where the node does not say, all holds', () => {
  const outbox = new Outbox()
  outbox.welcome(1)
  outbox.add(sentAt(1, 7, 'bob', 1))
  outbox.receipt('bob', told(1, 0))
  outbox.welcome(2)
  expect(outbox.unanswered('bob').flatMap(({ lost }) => lost)).toEqual([])
  expect([...outbox.questions]).toEqual([])
  expect(names(outbox.receipt('bob', told(1, 1)))).toEqual(['m1'])
})
