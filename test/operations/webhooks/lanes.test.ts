/** What is sent when: many at a time, of one user in order; and what failures do. */
import { expect, it } from 'vitest'
import { Lanes, type Outcome, type Sent } from '../../../src/operations/webhooks/lanes.ts'
import type { Entry } from '../../../src/protocol/entry.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'

const box = 'box' as UserId
const sent: Outcome = { is: 'sent' }
const failed: Outcome = { is: 'failed', why: 'no' }
const event = (seq: number, of: string, time = 0): Entry => ({
  is: 'message',
  seq,
  time,
  id: String(seq) as MessageId,
  from: of as UserId,
  body: `of ${of}`,
})

/** Lanes whose requests the test answers. */
function start(buries = true) {
  const open: { event: Sent; answer: (outcome: Outcome) => void }[] = []
  const acks: number[] = []
  const dead: string[] = []
  const faults: string[] = []
  const timers: { at: number; run: () => void }[] = []
  let now = 1
  const lanes = new Lanes({
    send: (event) => new Promise((answer) => open.push({ event, answer })),
    async bury(event) {
      if (buries) dead.push(event.id)
      return buries
    },
    done: () => {},
    ack: (_box, _ref, seq) => void acks.push(seq),
    fail: (why) => void faults.push(why),
    after: (ms, run) => void timers.push({ at: now + ms, run }),
    monotonic: () => now,
    now: () => now,
    random: () => 1,
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    lanes,
    acks,
    dead,
    faults,
    flying: () => open.map(({ event }) => event.seq),
    async answer(seq: number, outcome: Outcome) {
      const [one] = open.splice(
        open.findIndex(({ event }) => event.seq === seq),
        1,
      )
      expect(one?.event.seq).toBe(seq)
      one?.answer(outcome)
      await turn()
    },
    /** Lets so much time pass. */
    async pass(ms: number) {
      now += ms
      const due = timers.filter(({ at }) => at <= now)
      timers.splice(0, timers.length, ...timers.filter(({ at }) => at > now))
      for (const { run } of due) run()
      await turn()
    },
  }
}

it('those of one user go one after the other, of others at once, and what is sent is acknowledged without a gap', async () => {
  const { lanes, flying, answer, acks } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ann'), event(3, 'ben'), { is: 'gone', seq: 4, time: 0 }])
  expect(flying()).toEqual([1, 3])
  await answer(3, sent)
  expect([flying(), acks]).toEqual([[1], []])
  await answer(1, sent)
  expect([flying(), acks]).toEqual([[2], [1]])
  await answer(2, sent)
  expect([flying(), acks]).toEqual([[], [1, 4]])
})

it('what is sent is ahead while an event before it is not, and no longer when all before it are, or were given up', async () => {
  const { lanes, answer } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ben'), event(3, 'cid')])
  await answer(2, sent)
  await answer(3, sent)
  expect(lanes.ahead).toBe(2)
  await answer(1, sent)
  expect(lanes.ahead).toBe(0)
  lanes.take(box, 1, [event(4, 'ann'), event(5, 'ben')])
  await answer(5, sent)
  lanes.lose(box, 5, 2)
  expect(lanes.ahead).toBe(0)
})

it('one that failed is tried again after a pause that doubles, before those behind it', async () => {
  const { lanes, flying, answer, pass } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ann')])
  for (const ms of [200, 400, 800]) {
    await answer(1, failed)
    await pass(ms - 1)
    expect(flying()).toEqual([])
    await pass(1)
    expect(flying()).toEqual([1])
  }
  await answer(1, sent)
  expect(flying()).toEqual([2])
})

it('no more than sixteen are under way, and where nothing succeeds one at a time, until one does', async () => {
  const { lanes, flying, answer, pass, faults } = start()
  lanes.take(
    box,
    1,
    Array.from({ length: 40 }, (_, n) => event(n + 1, `user ${n}`)),
  )
  expect(flying()).toHaveLength(16)
  while (faults.length === 0) await answer(flying()[0] as number, failed)
  for (const seq of flying()) await answer(seq, failed)
  expect([faults, flying()]).toEqual([['no'], []])
  await pass(60_000)
  expect(flying()).toHaveLength(1)
  await answer(flying()[0] as number, sent)
  expect(flying()).toHaveLength(16)
})

it('one that others overtake is put aside after twelve failures; alone it is tried for three days', async () => {
  const { lanes, flying, answer, pass, dead, acks } = start()
  lanes.take(box, 1, [event(1, 'ann')])
  for (let seq = 2; dead.length === 0; seq++) {
    await answer(1, failed)
    lanes.take(box, 1, [event(seq, 'ben')])
    await answer(seq, sent)
    await pass(60_000)
    expect(seq).toBeLessThan(14)
  }
  expect([dead, acks.at(-1), flying()]).toEqual([['1'], 13, []])
  const alone = start()
  alone.lanes.take(box, 1, [event(1, 'ann')])
  for (let minutes = 0; minutes < 3 * 24 * 60; minutes += 60) {
    await alone.answer(1, failed)
    expect(alone.dead).toEqual([])
    await alone.pass(3_600_000)
  }
  await alone.pass(60_000)
  await alone.answer(1, failed)
  expect(alone.dead).toEqual(['1'])
})

it('one that cannot be put aside durably is tried again', async () => {
  const { lanes, flying, answer, pass, acks } = start(false)
  lanes.take(box, 1, [event(1, 'ann', -4 * 86_400_000)])
  await answer(1, failed)
  await pass(60_000)
  expect([flying(), acks]).toEqual([[1], []])
})

it('nothing goes before the time that the service asked for', async () => {
  const { lanes, flying, answer, pass } = start()
  lanes.take(box, 1, [event(1, 'ann')])
  await answer(1, { ...failed, pauseMs: 5_000 })
  lanes.take(box, 1, [event(2, 'ben')])
  await pass(4_999)
  expect(flying()).toEqual([])
  await pass(1)
  expect(flying().sort()).toEqual([1, 2])
})

it('another reading of an outbox takes the place of the one before, and what is under way keeps its order', async () => {
  const { lanes, flying, answer, acks } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ann')])
  lanes.take(box, 2, [event(1, 'ann'), event(2, 'ann')])
  expect(flying()).toEqual([1])
  await answer(1, sent)
  expect([flying(), acks]).toEqual([[1], []])
  await answer(1, sent)
  await answer(2, sent)
  expect(acks).toEqual([1, 2])
})

it('what an outbox gives up is counted, but for what was sent', async () => {
  const { lanes, flying, answer, acks } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ben'), event(3, 'cid')])
  await answer(2, sent)
  lanes.lose(box, 2, 2)
  expect(lanes.figures).toMatchObject({ sent: 1, lost: 1 })
  await answer(1, failed)
  await answer(3, sent)
  expect([acks, flying()]).toEqual([[3], []])
})

it('nothing is begun once it was stopped', async () => {
  const { lanes, flying, answer } = start()
  lanes.take(box, 1, [event(1, 'ann'), event(2, 'ann')])
  lanes.stop()
  await answer(1, sent)
  expect([flying(), lanes.flying]).toEqual([[], 0])
})
