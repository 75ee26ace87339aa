/** Ticks: what a recipient tells of others' messages, and what a sender hears of their own. */
import { expect, it } from 'vitest'
import { openSettings } from '../../../actors/settings.ts'
import { appends, cursor, inbox, mail, of, pushes, told, user } from './inbox.ts'

const chats = [mail(1, 'ann'), mail(2, 'cat'), mail(3, 'ann')]
const phone = { entries: chats, cursors: [cursor('phone', 0), cursor('laptop', 0)] }

it('what the first device has acknowledged is delivered: each sender is told once how far', () => {
  const { attach, ack } = inbox(phone)
  attach(1, 'phone')
  attach(2, 'laptop')
  expect(told(ack(1, 3))).toEqual([
    ['ann', 'receipt', 3, 0],
    ['cat', 'receipt', 2, 0],
  ])
  expect(told(ack(2, 3))).toEqual([])
})

it('who has not confirmed is told again after 15 s, and who has is not', () => {
  const { attach, ack, confirmed, timer } = inbox(phone)
  attach(1)
  expect(of(ack(1, 3), 'after')).toContainEqual({ do: 'after', ms: 15_000, timer: 'retell' })
  confirmed('ann', 3)
  expect(told(timer('retell'))).toEqual([['cat', 'receipt', 2, 0]])
  confirmed('cat', 2)
  expect(timer('retell')).toEqual([])
})

it('what is told passes as settled when it is confirmed, and never before an earlier one', () => {
  const { attach, ack, confirmed, timer, saved } = inbox(phone)
  const settled = () => {
    const [save] = of(timer('saveAcks'), 'save')
    saved()
    return save?.settled
  }
  attach(1)
  ack(1, 3)
  expect(settled()).toBe(0)
  confirmed('cat', 2)
  confirmed('ann', 1)
  expect(settled(), 'ann has no more than 1').toBe(1)
  confirmed('ann', 3)
  expect(settled()).toBe(3)
})

it('after a crash what was acknowledged and is not settled is told again, marked so', () => {
  const { attach, read } = inbox({ entries: chats, cursors: [cursor('phone', 3)], settled: 1 })
  const effects = read(attach(1))
  expect(told(effects)).toEqual([
    ['cat', 'receipt', 2, 0],
    ['ann', 'receipt', 3, 0],
  ])
  for (const { message } of of(effects, 'tell')) expect(message).toMatchObject({ again: true })
})

it('whom this user has blocked is told nothing', () => {
  const { attach, ack } = inbox({ ...phone, settings: { ...openSettings, blocked: [user('ann')] } })
  attach(1)
  expect(told(ack(1, 3))).toEqual([['cat', 'receipt', 2, 0]])
})

it('a read is told to its sender, and the device hears that it is done when that is confirmed', () => {
  const { attach, ack, reads, confirmed } = inbox({ entries: chats, cursors: [cursor('phone', 0)] })
  attach(1)
  ack(1, 3)
  const effects = reads(1, 'ann', 3)
  expect(told(effects)).toEqual([['ann', 'receipt', 3, 3]])
  expect(of(effects, 'done')).toEqual([])
  expect(of(confirmed('ann', 3, 1), 'done'), 'not yet').toEqual([])
  expect(of(confirmed('ann', 3, 3), 'done')).toEqual([{ do: 'done', session: 1, chat: 'ann', seq: 3 }])
})

it('a read of what is not of that chat, or not there, is refused', () => {
  const { attach, reads } = inbox({ entries: chats, cursors: [cursor('phone', 0)] })
  attach(1)
  expect(of(reads(1, 'cat', 3), 'refuse')).toMatchObject([{ kind: 'read', code: 'not_that_chat' }])
  expect(of(reads(1, 'ann', 4), 'refuse')).toMatchObject([{ kind: 'read', code: 'ack_above_tail' }])
})

it('a read that is refused says nothing of what stands before: that is told when it is read', () => {
  const { attach, reads } = inbox({ entries: chats, cursors: [cursor('phone', 0)] })
  attach(1)
  reads(1, 'cat', 3)
  expect(told(reads(1, 'cat', 2))).toEqual([['cat', 'receipt', 0, 2]])
})

it('a read of what is no longer in memory is looked up, and refused for now where the store does not answer', () => {
  const { attach, reads, tell } = inbox({ entries: chats, cursors: [cursor('phone', 3)], settled: 3 })
  attach(1)
  expect(of(reads(1, 'ann', 3), 'check')).toEqual([{ do: 'check', session: 1, chat: 'ann', seq: 3 }])
  const checked = (at: number | null) => tell({ is: 'checked', session: 1, chat: user('ann'), seq: 3, at })
  expect(of(checked(null), 'refuse')).toMatchObject([{ code: 'busy' }])
  reads(1, 'ann', 3)
  expect(told(checked(3))).toEqual([['ann', 'receipt', 0, 3]])
})

it('a sender sees a tick at once, and has it as an entry 4 s later, which confirms it', () => {
  const { attach, heard, timer, durable } = inbox()
  attach(1)
  const effects = heard(4, 2)
  expect(of(effects, 'earlyReceipt')).toMatchObject([{ session: 1, peer: 'ann', epoch: 5, delivered: 4, read: 2 }])
  expect(of(effects, 'after')).toEqual([{ do: 'after', ms: 4_000, timer: 'receipts' }])
  expect(told(effects)).toEqual([])
  expect(of(timer('receipts'), 'append'), 'nobody waits for it').toMatchObject([{ entries: [{ seq: 1 }], lazy: true }])
  expect(told(durable())).toEqual([['ann', 'receipted', 4, 2]])
})

it('ticks of these seconds are one entry, and only rise', () => {
  const { attach, heard, timer } = inbox()
  attach(1)
  heard(4)
  expect(of(heard(6, 1), 'earlyReceipt')).toMatchObject([{ delivered: 6, read: 1 }])
  expect(of(heard(5), 'earlyReceipt')).toEqual([])
  expect(of(timer('receipts'), 'append')).toMatchObject([
    { entries: [{ is: 'receipt', peer: 'ann', delivered: 6, read: 1 }] },
  ])
})

it('what is read is delivered', () => {
  const { heard, timer } = inbox()
  heard(2, 5)
  expect(of(timer('receipts'), 'append')).toMatchObject([{ entries: [{ delivered: 5, read: 5 }] }])
})

it('a tick that is an entry already is confirmed, and makes no other', () => {
  const { heard, timer, durable } = inbox()
  heard(4, 2)
  timer('receipts')
  durable()
  expect(told(heard(3, 2))).toEqual([['ann', 'receipted', 3, 2]])
  expect(timer('receipts')).toEqual([])
})

it('a tick goes along with the next append, but no sooner than after a second', () => {
  const { attach, heard, deliver, durable, clock, timer } = inbox()
  attach(1)
  heard(4)
  clock.now += 999
  expect(appends(deliver(1)), 'else a lively chat had one with each message').toEqual([1])
  clock.now += 1
  const effects = deliver(2)
  expect(of(effects, 'append').flatMap(({ entries }) => entries)).toMatchObject([
    { seq: 2, is: 'message' },
    { seq: 3, is: 'receipt', delivered: 4 },
  ])
  expect(pushes(durable())).toEqual([[1, [1, 2, 3]]])
  expect(timer('receipts')).toEqual([])
})

it('a tick is written at once when a device comes that has not heard of it, and when one leaves', () => {
  const { attach, heard, detach } = inbox()
  heard(4)
  expect(appends(attach(1))).toEqual([1])
  heard(5)
  expect(appends(detach(1))).toEqual([2])
})

it('a tick that somebody waits for is written after a second', () => {
  const { attach, heard, timer } = inbox()
  attach(1)
  heard(4)
  const effects = heard(4, 0, true, 5, true)
  expect(of(effects, 'earlyReceipt'), 'it is no news').toEqual([])
  expect(of(effects, 'after')).toEqual([{ do: 'after', ms: 1_000, timer: 'awaited' }])
  expect(of(timer('awaited'), 'append')).toMatchObject([{ entries: [{ seq: 1 }], lazy: false }])
  expect(timer('receipts')).toEqual([])
})

it('when a device leaves, senders are told that it waits: the mark of what is settled is saved 2 s later', () => {
  const { attach, ack, detach, confirmed } = inbox(phone)
  attach(1)
  ack(1, 3)
  confirmed('cat', 2)
  const effects = detach(1)
  expect(told(effects)).toEqual([['ann', 'receipt', 3, 0]])
  expect(of(effects, 'tell')).toMatchObject([{ message: { again: true, awaited: true } }])
})

it('a tick is awaited where timers hang on it, or so many are not confirmed that others are told nothing yet', () => {
  const many = Array.from({ length: 600 }, (_, n) => mail(n + 1, `one${n}`))
  const { attach, ack } = inbox({ entries: many, cursors: [cursor('phone', 0)], limits: { windowEntries: 600 } })
  attach(1)
  expect(of(ack(1, 600), 'tell').filter(({ message }) => 'awaited' in message && message.awaited)).toHaveLength(88)
})
