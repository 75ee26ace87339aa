/** Accepting messages: each gets one place, once, and is answered when it is durable there. */
import { expect, it } from 'vitest'
import { answers, appends, cursor, inbox, mail, of, pushes } from './inbox.ts'

it('a message is answered and pushed when it is durable, and not before', () => {
  const { deliver, durable, attach } = inbox()
  attach(1)
  const effects = deliver(1)
  expect(appends(effects)).toEqual([1])
  expect([...answers(effects), ...pushes(effects)]).toEqual([])
  const after = durable()
  expect(answers(after)).toEqual([[1, 1]])
  expect(pushes(after)).toEqual([[1, [1]]])
})

it('messages get the seqs that follow each other, and are answered in that order', () => {
  const { deliver, durable } = inbox({ entries: [mail(1), mail(2)] })
  const effects = [1, 2, 3].flatMap((n) => deliver(n, { from: `user ${n}` }))
  expect(appends(effects)).toEqual([3, 4, 5])
  expect(answers(durable(4)), 'as far as it is durable').toEqual([
    [1, 3],
    [2, 4],
  ])
  expect(answers(durable(5))).toEqual([[3, 5]])
})

it('an id that is known is answered with the place that it has, and not appended again', () => {
  const { deliver, durable } = inbox()
  deliver(1)
  durable()
  const again = deliver(1, { again: true, ticket: 50 })
  expect(answers(again)).toEqual([[50, 1]])
  expect(of(again, 'append')).toEqual([])
})

it('a repeat of what is being appended is answered with it', () => {
  const { deliver, durable } = inbox()
  deliver(1)
  expect(deliver(1, { again: true, ticket: 50 })).toEqual([])
  expect(answers(durable())).toEqual([
    [1, 1],
    [50, 1],
  ])
})

it('the same id of another sender is another message', () => {
  const { deliver } = inbox()
  expect(appends([...deliver(1), ...deliver(1, { from: 'cat', by: 8 })])).toEqual([1, 2])
})

it('what may be a repeat is looked up, and what comes after it does not overtake it', () => {
  const { deliver, found, durable } = inbox()
  const doubtful = deliver(1, { again: true })
  expect(of(doubtful, 'find')).toMatchObject([{ keys: [{ sender: 'ann', id: 'm1' }] }])
  expect(deliver(2)).toEqual([])
  expect(appends(found(undefined))).toEqual([1, 2])
  expect(answers(durable())).toEqual([
    [1, 1],
    [2, 2],
  ])
})

it('one that is found has the answer of the first time; one above the tail is of a write that does not count', () => {
  const { deliver, found } = inbox({ entries: [mail(1), mail(2)] })
  deliver(2, { again: true })
  expect(found({ seq: 2, time: 1 })).toMatchObject([{ do: 'answer', ticket: 2, answer: { at: { epoch: 7, seq: 2 } } }])
  deliver(3, { again: true })
  expect(appends(found({ seq: 3, time: 1 }))).toEqual([3])
})

it('where the store does not say whether it is a repeat, all that wait are refused for now, and nothing is appended', () => {
  const { deliver, notFound } = inbox()
  deliver(1, { again: true })
  deliver(2)
  const effects = notFound()
  expect(answers(effects)).toEqual([
    [1, 'busy'],
    [2, 'busy'],
  ])
  expect(of(effects, 'append')).toEqual([])
})

it('beyond its bound it answers busy, and goes on once there is room', () => {
  const { deliver, durable } = inbox({ limits: { appendsInFlight: 2 } })
  deliver(1)
  deliver(2)
  expect(answers(deliver(3))).toEqual([[3, 'busy']])
  durable()
  expect(appends(deliver(3, { nth: 4, round: 2 }))).toEqual([3])
})

it('what follows a refused message in its round is refused, too; others, and a later round, are not', () => {
  const { deliver, durable } = inbox({ limits: { appendsInFlight: 2 } })
  deliver(1)
  deliver(2)
  deliver(3)
  durable()
  expect(answers(deliver(4))).toEqual([[4, 'busy']])
  expect(appends(deliver(5, { by: 8 }))).toEqual([3])
  expect(appends(deliver(3, { nth: 5, round: 2 }))).toEqual([4])
})

it('what was sent before a refused message is not refused for it', () => {
  const { deliver, durable } = inbox({ limits: { appendsInFlight: 1 } })
  deliver(9, { by: 8 })
  deliver(2)
  durable()
  expect(appends(deliver(1))).toEqual([2])
})

it('a full inbox takes nothing from others until a device has acknowledged some, but copies of what its user sends', () => {
  const { deliver, copy, durable, attach, ack } = inbox({
    entries: [mail(1), mail(2)],
    cursors: [cursor('phone', 0)],
    limits: { inboxEntries: 2 },
  })
  expect(answers(deliver(3))).toEqual([[3, 'inbox_full']])
  expect(appends(copy(4))).toEqual([3])
  durable()
  attach(1)
  ack(1, 3)
  expect(appends(deliver(3, { nth: 5, round: 2 }))).toEqual([4])
})

it('times do not go back where the clock does', () => {
  const { deliver, clock } = inbox()
  const time = () => of(deliver(clock.now), 'append')[0]?.entries[0]?.time
  expect(time()).toBe(1_000)
  clock.now = 10
  expect(time()).toBe(1_000)
})

it('an append whose outcome is unknown is made again with the same seqs, later each time, and no more than 5 s later', () => {
  const { deliver, fails, timer } = inbox()
  deliver(1)
  const waits = Array.from({ length: 8 }, () => {
    const [after] = of(fails(), 'after')
    expect(appends(timer('append'))).toEqual([1])
    return after?.ms
  })
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
})

it('what comes while the store fails is written in the next round, behind what was there, and nobody is answered twice', () => {
  const { deliver, fails, timer, durable } = inbox()
  deliver(1)
  fails()
  expect(deliver(2)).toEqual([])
  expect(appends(timer('append'))).toEqual([1, 2])
  expect(answers(durable())).toEqual([
    [1, 1],
    [2, 2],
  ])
  expect(answers(durable())).toEqual([])
})
