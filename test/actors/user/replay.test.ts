/** Bringing a device up to date: in order, each entry once, never more at a time than its window. */
import { expect, it } from 'vitest'
import type { DeviceId } from '../../../src/protocol/ids.ts'
import { cursor, inbox, mail, of, pushes } from './inbox.ts'

const entries = (count: number, from = 1) => Array.from({ length: count }, (_, n) => mail(from + n))
const seqs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)
const closes = (effects: Parameters<typeof of>[0]) => of(effects, 'close').map(({ session, code }) => [session, code])

it('a device gets what comes after its cursor, and is told when that is all', () => {
  const { attach } = inbox({ entries: entries(5), cursors: [cursor('phone', 2)] })
  const effects = attach(1, 'phone', { epoch: 7, seq: 3 })
  expect(of(effects, 'welcome')).toMatchObject([{ session: 1, seq: 3, tail: 5, why: null }])
  expect(pushes(effects)).toEqual([[1, [4, 5]]])
  expect(of(effects, 'live')).toEqual([{ do: 'live', session: 1, seq: 5 }])
  expect(effects.map((effect) => effect.do).filter((is) => ['welcome', 'push', 'live'].includes(is))).toEqual([
    'welcome',
    'push',
    'live',
  ])
})

it('one that shows no cursor goes on from what the store has of it', () => {
  const { attach } = inbox({ entries: entries(5), cursors: [cursor('phone', 2)] })
  expect(pushes(attach(1))).toEqual([[1, [3, 4, 5]]])
})

it('more than its window waits until half of that is acknowledged', () => {
  const { attach, ack, read } = inbox({ entries: entries(20), cursors: [cursor('phone', 0)] })
  expect(pushes(attach(1))).toEqual([[1, seqs(1, 8)]])
  expect(of(ack(1, 3), 'fetch')).toEqual([])
  expect(pushes(read(ack(1, 4)))).toEqual([[1, seqs(9, 12)]])
  expect(of(ack(1, 8), 'fetch')).toMatchObject([{ from: 13, limit: 4 }])
})

it('a window is of bytes, too, and what is larger goes alone', () => {
  const { attach, ack, deliver, durable, read } = inbox()
  attach(1)
  deliver(1, { body: 'x'.repeat(5_000) })
  expect(pushes(durable())).toEqual([[1, [1]]])
  deliver(2)
  expect(pushes(durable()), 'not beside it').toEqual([])
  expect(pushes(read(ack(1, 1)))).toEqual([[1, [2]]])
})

it('new entries are pushed from memory; where the window is full they wait in the inbox, and none is passed over', () => {
  const { attach, ack, deliver, durable, read } = inbox()
  attach(1)
  for (const n of seqs(1, 10)) deliver(n)
  expect(pushes(durable())).toEqual([[1, seqs(1, 8)]])
  deliver(11, { nth: 11 })
  expect(pushes(durable()), 'never ahead of what waits').toEqual([])
  const after = read(ack(1, 8))
  expect(pushes(after)).toEqual([[1, [9, 10, 11]]])
  expect(of(after, 'live'), 'it is said once').toEqual([])
})

it('what comes while a page is read is pushed after it', () => {
  const { attaches, page, read, deliver, durable } = inbox({ entries: entries(2), cursors: [cursor('phone', 0)] })
  attaches(1)
  deliver(3)
  expect(pushes(durable())).toEqual([])
  expect(pushes(read(page(1, 1, entries(2))))).toEqual([
    [1, [1, 2]],
    [1, [3]],
  ])
})

it('each device has its own place', () => {
  const { attach, deliver, durable, ack } = inbox({
    entries: entries(3),
    cursors: [cursor('phone', 3), cursor('laptop', 1)],
  })
  attach(1, 'phone')
  expect(pushes(attach(2, 'laptop'))).toEqual([[2, [2, 3]]])
  ack(2, 3)
  deliver(4)
  expect(pushes(durable())).toEqual([
    [1, [4]],
    [2, [4]],
  ])
})

it('a device that comes again takes the place of its former session, and gets again what that had not acknowledged', () => {
  const { attach, ack } = inbox({ entries: entries(4), cursors: [cursor('phone', 0)] })
  attach(1)
  ack(1, 2)
  const effects = attach(2)
  expect(closes(effects)).toEqual([[1, 'replaced']])
  expect(pushes(effects)).toEqual([[2, [3, 4]]])
  expect(ack(1, 4), 'the former one is nobody').toEqual([])
})

it('who has left gets nothing, and all of it when they come back', () => {
  const { attach, detach, deliver, durable } = inbox({ entries: entries(1), cursors: [cursor('phone', 1)] })
  attach(1)
  detach(1)
  deliver(2)
  expect(pushes(durable())).toEqual([])
  expect(pushes(attach(2))).toEqual([[2, [2]]])
})

it('a cursor of another log, or beyond the end of this one, is not honoured: the device is told so, and gets all', () => {
  for (const at of [
    { epoch: 6, seq: 3 },
    { epoch: 7, seq: 9 },
  ]) {
    const { attach } = inbox({ entries: entries(4), cursors: [cursor('phone', 3)] })
    const effects = attach(1, 'phone', at)
    expect(of(effects, 'welcome')).toMatchObject([{ seq: 0, why: 'reset' }])
    expect(pushes(effects)).toEqual([[1, [1, 2, 3, 4]]])
  }
})

it('a device whose next entries have expired is told so where it begins, and must come again where it had begun', () => {
  const start = inbox({ entries: entries(6), cursors: [cursor('phone', 0)] })
  start.attaches(1)
  const late = start.page(1, 1, entries(2, 5))
  expect(of(late, 'welcome')).toMatchObject([{ seq: 4, why: 'trimmed' }])
  expect(pushes(late)).toEqual([[1, [5, 6]]])
  const going = inbox({ entries: entries(20), cursors: [cursor('phone', 0)] })
  going.attach(1)
  going.ack(1, 8)
  expect(closes(going.page(1, 9, entries(3, 15)))).toEqual([[1, 'resync']])
})

it('a device whose page the store does not give is closed, to come again', () => {
  const { attaches, page } = inbox({ entries: entries(4), cursors: [cursor('phone', 0)] })
  attaches(1)
  expect(closes(page(1, 1, null))).toEqual([[1, 'unavailable']])
})

it('what the store has above the end that the actor knows is not there', () => {
  const { attaches, page } = inbox({ entries: entries(2), cursors: [cursor('phone', 0)] })
  attaches(1)
  expect(pushes(page(1, 1, entries(3)))).toEqual([[1, [1, 2]]])
})

it('an ack above what there is is refused; one that says nothing new is counted', () => {
  const { attach, ack } = inbox({ entries: entries(3), cursors: [cursor('phone', 0)] })
  attach(1)
  expect(of(ack(1, 4), 'refuse')).toMatchObject([{ kind: 'ack', code: 'ack_above_tail' }])
  expect(of(ack(1, 3), 'wasted')).toEqual([])
  expect(of(ack(1, 2), 'wasted')).toHaveLength(1)
})

it('a new device takes the place of the one that is away for longest; where all are here it is refused', () => {
  const { attach } = inbox({
    entries: entries(1),
    cursors: [cursor('phone', 1, 50), cursor('laptop', 1, 40)],
    limits: { devices: 2 },
  })
  expect(closes(attach(2, 'tablet'))).toEqual([])
  expect(pushes(attach(1, 'phone')), 'the phone was not forgotten').toEqual([])
  expect(closes(attach(3, 'laptop'))).toEqual([[3, 'too_many_devices']])
})

it('who was alone is told when another device comes', () => {
  const { attach } = inbox()
  expect(of(attach(1, 'phone'), 'welcome')).toMatchObject([{ siblings: false }])
  const effects = attach(2, 'laptop')
  expect(of(effects, 'siblings')).toEqual([{ do: 'siblings', session: 1 }])
  expect(of(effects, 'welcome')).toMatchObject([{ session: 2, siblings: true }])
})

it('one that attaches again, as after its shard has moved, does not take the place of another that is here', () => {
  const { attach, deliver, durable, tell } = inbox()
  attach(5)
  const again = tell({ is: 'attach', session: 6, device: 'phone' as DeviceId, cursor: null, again: true })
  expect(closes(again)).toEqual([[6, 'restarted']])
  deliver(1)
  expect(pushes(durable())).toEqual([[5, [1]]])
  // Its client's fresh one does.
  expect(closes(attach(7))).toEqual([[5, 'replaced']])
})
