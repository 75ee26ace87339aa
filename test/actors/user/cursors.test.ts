/** When it is saved how far the devices are: a save for each ack would double what a message costs. */
import { expect, it } from 'vitest'
import { cursor, inbox, mail, of } from './inbox.ts'

const entries = (count: number) => Array.from({ length: count }, (_, n) => mail(n + 1))
const timers = (effects: Parameters<typeof of>[0]) => of(effects, 'after').map(({ ms, timer }) => [timer, ms])
/** A phone that is here, and has acknowledged nothing of these; where they came is saved. */
function settledDown(count: number) {
  const it = inbox({
    entries: entries(count),
    cursors: [cursor('phone', 0)],
    settled: count,
    limits: { windowEntries: 1_000, windowBytes: 1e6 },
  })
  it.attach(1)
  it.timer('save')
  it.saved()
  return it
}

it('a device that is new is saved as soon as it is welcomed, with what it has', () => {
  const { attach } = inbox({ entries: entries(3), cursors: [] })
  const effects = attach(1, 'phone')
  expect(of(effects, 'welcome')).toHaveLength(1)
  expect(of(effects, 'save')).toMatchObject([{ cursors: [{ device: 'phone', seq: 0, seenAt: 1_000 }] }])
})

it('acks are saved 10 minutes after the first of them, all at once', () => {
  const { ack, timer } = settledDown(5)
  expect(timers(ack(1, 1))).toEqual([['saveAcks', 600_000]])
  expect(timers(ack(1, 4))).toEqual([])
  expect(of(timer('saveAcks'), 'save')).toMatchObject([{ cursors: [{ device: 'phone', seq: 4 }] }])
  expect(timers(ack(1, 5)), 'only once it is saved').toEqual([['saveAcks', 600_000]])
})

it('after 256 acks it is not waited any longer', () => {
  const { ack } = settledDown(300)
  expect(timers(ack(1, 255))).toEqual([['saveAcks', 600_000]])
  expect(timers(ack(1, 257))).toEqual([['save', 2_000]])
})

it('when a device leaves, what it has acknowledged is saved 2 s later', () => {
  const { ack, detach, timer } = settledDown(5)
  ack(1, 3)
  expect(timers(detach(1))).toEqual([['save', 2_000]])
  expect(of(timer('save'), 'save')).toMatchObject([{ cursors: [{ seq: 3 }] }])
})

it('one save at a time: what moved meanwhile goes with the next', () => {
  const { ack, detach, timer, saved } = settledDown(5)
  ack(1, 1)
  expect(of(timer('saveAcks'), 'save')).toHaveLength(1)
  ack(1, 2)
  detach(1)
  expect(of(timer('save'), 'save')).toEqual([])
  expect(timers(saved())).toEqual([['save', 2_000]])
  expect(of(timer('save'), 'save')).toMatchObject([{ cursors: [{ seq: 2 }] }])
})

it('what could not be saved is saved again, and nothing where nothing has moved', () => {
  const { ack, timer, saved } = settledDown(5)
  ack(1, 1)
  timer('saveAcks')
  expect(timers(saved(false))).toEqual([['save', 2_000]])
  expect(of(timer('save'), 'save')).toHaveLength(1)
  expect(saved()).toEqual([])
  expect(timer('save')).toEqual([])
})
