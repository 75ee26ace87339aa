/** What an actor asks of the store for its log, and what comes back of it. */
import { expect, it } from 'vitest'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { Calendar } from '../../src/hosts/calendar.ts'
import { type LogContext, Logs } from '../../src/hosts/logs/logs.ts'
import { Holds } from '../../src/media/holds.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { systemClock } from '../../src/runtime/index.ts'
import type { LapStore } from '../../src/store/contract.ts'

const bob = 'bob' as UserId
const entry = (seq: number): Entry => ({ is: 'seen', seq, time: 1, chat: bob, upTo: 1 })
const append = (...seqs: number[]): UserEffect => ({ do: 'append', epoch: 7, entries: seqs.map(entry), lazy: false })

function start(
  over: object = {},
  before: () => Promise<void> | undefined = async () => {},
  heed: ((pass: () => void) => void) | null = null,
) {
  const done: unknown[] = []
  const told: unknown[] = []
  const open: ((failed?: Error) => void)[] = []
  const store = {
    append: (_user: UserId, _epoch: number, _term: number, entries: readonly Entry[]) =>
      new Promise<void>((resolve, reject) => {
        done.push(entries.map(({ seq }) => seq))
        open.push((failed) => (failed ? reject(failed) : resolve()))
      }),
    ...over,
  }
  let life: object = {}
  const logs = new Logs<UserMessage, UserEffect>(
    {
      spellOf: () => ({ term: 1, store, heed }),
      runtime: {
        turns: { write: () => done.push('write') },
        wheel: { after: (ms: number) => expect(ms, 'nothing is lazy').toBeGreaterThan(1_000) },
      },
      router: { answer: (ticket: number, answer: unknown) => done.push([ticket, answer]) },
      sessions: { push: (session: number, frame: unknown) => done.push([session, frame]) },
      events: {},
      holds: new Holds(undefined),
      calendar: new Calendar(systemClock, undefined),
      onFault: () => {},
    } as unknown as LogContext,
    {
      peek: () => life,
      tell: (_user, message) => void told.push(message),
      before() {
        done.push('before')
        return before()
      },
    },
  )
  const crash = () => {
    life = {}
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { logs, done, told, crash, turn, land: (failed?: Error) => open.shift()?.(failed) }
}

it('entries of one turn are appended together, and the actor hears of it when they are durable', async () => {
  const { logs, done, told, turn, land } = start()
  logs.perform(bob, [append(1), append(2, 3)], () => expect.fail())
  await turn()
  expect([done, told]).toEqual([['before', [1, 2, 3]], []])
  land()
  await turn()
  expect(told).toEqual([{ is: 'appended', first: 1, last: 3 }])
})

/** A store that is done with an append when the test says so. */
function laps() {
  const open: ((failure?: unknown) => void)[] = []
  const appended: number[][] = []
  const laps: LapStore = {
    append(_user, _epoch, _term, entries, done) {
      appended.push(entries.map(({ seq }) => seq))
      open.push(done)
    },
    begin: () => {},
  }
  return { laps, appended, land: (failure?: unknown) => open.shift()?.(failure) }
}

it('where the store writes once a lap no promise stands between a turn, the write, and what the actor hears of it', () => {
  const { laps: store, appended, land } = laps()
  const { logs, done, told } = start({ laps: store }, () => undefined)
  logs.perform(bob, [append(1), append(2)], () => {})
  expect([appended, done]).toEqual([[[1, 2]], ['before', 'write']])
  land()
  expect(told).toEqual([{ is: 'appended', first: 1, last: 2 }])
})

it('of one inbox one append is under way there, too, and what comes meanwhile goes with the next', () => {
  const { laps: store, appended, land } = laps()
  const { logs, told, done } = start({ laps: store }, () => undefined)
  for (const seq of [1, 2, 3]) logs.perform(bob, [append(seq)], () => {})
  expect(appended).toEqual([[1]])
  land()
  expect(appended).toEqual([[1], [2, 3]])
  expect(done.filter((what) => what === 'write')).toHaveLength(2)
  land(new Error('the disk is gone'))
  expect(told).toEqual([
    { is: 'appended', first: 1, last: 1 },
    { is: 'unappended', first: 2, last: 3 },
  ])
})

it('what has to be durable before an append is, also where the store writes once a lap', async () => {
  let ready = () => {}
  const { laps: store, appended } = laps()
  const { logs, done, turn } = start({ laps: store }, () => new Promise((resolve) => (ready = resolve)))
  logs.perform(bob, [append(1)], () => {})
  await turn()
  expect([appended, done]).toEqual([[], ['before']])
  ready()
  await turn()
  expect(done).toEqual(['before', [1]])
})

it('an actor hears that the outcome of an append is not known', async () => {
  const { logs, told, turn, land } = start()
  logs.perform(bob, [append(1)], () => {})
  await turn()
  land(new Error('late'))
  await turn()
  expect(told).toEqual([{ is: 'unappended', first: 1, last: 1 }])
})

it('what fails without a reason has failed', async () => {
  const { logs, told, turn } = start({ append: () => Promise.reject() })
  logs.perform(bob, [append(1)], () => {})
  await turn()
  expect(told).toEqual([{ is: 'unappended', first: 1, last: 1 }])
})

it('what a former life of the actor had asked for reaches nobody', async () => {
  let answer = (_: undefined) => {}
  const findRepeats = () => new Promise((resolve) => (answer = resolve as typeof answer))
  const { logs, told, crash, turn, land } = start({ findRepeats })
  logs.perform(bob, [append(1), { do: 'find', keys: [] } as unknown as UserEffect], () => {})
  await turn()
  crash()
  land()
  answer(undefined)
  await turn()
  expect(told).toEqual([])
})

it('an actor starts when what its former life had appended has landed', async () => {
  const { logs, turn, land } = start({ load: async () => ({ tail: 1 }) })
  logs.perform(bob, [append(1)], () => {})
  await turn()
  let loaded: unknown
  void logs.load(bob).then((record) => {
    loaded = record
  })
  await turn()
  expect(loaded).toBe(undefined)
  land()
  await turn()
  expect(loaded).toEqual({ tail: 1 })
})

it('what the store answers counts when it is known that this node still has the log: it waits for that, and an actor that starts, too', async () => {
  const held: (() => void)[] = []
  const { logs, told, turn, land } = start({ load: async () => ({ tail: 1 }) }, undefined, (pass) => held.push(pass))
  logs.perform(bob, [append(1)], () => {})
  await turn()
  land()
  await turn()
  expect([told, held.length]).toEqual([[], 1])
  held.shift()?.()
  expect(told).toEqual([{ is: 'appended', first: 1, last: 1 }])
  let loaded: unknown
  void logs.load(bob).then((record) => {
    loaded = record
  })
  await turn()
  expect([loaded, held.length]).toEqual([undefined, 1])
  held.shift()?.()
  await turn()
  expect(loaded).toEqual({ tail: 1 })
})

it('what is not of the log is performed in its order, and what is not handled is answered', () => {
  const { logs, done } = start()
  const answer = { do: 'answer', ticket: 5, answer: { is: 'refused', code: 'busy' } } as const
  const close = { do: 'close', session: 3, code: 'resync' } as const
  logs.perform(bob, [answer, close, { ...answer, ticket: 6 }], (effect) => void done.push(effect))
  expect(done).toEqual([[5, answer.answer], close, [6, answer.answer]])
  done.length = 0
  expect(logs.deadLetter(bob, { is: 'deliver', ticket: 7 } as never, 'poison')).toBe(true)
  expect(logs.deadLetter(bob, { is: 'copy', ticket: 8 } as never, 'released')).toBe(true)
  expect(logs.deadLetter(bob, { is: 'stand', session: 4 } as never, 'unloadable')).toBe(true)
  expect(logs.deadLetter(bob, { is: 'attach' }, 'unloadable')).toBe(false)
  expect(done).toEqual([
    [7, { is: 'refused', code: 'failed' }],
    [8, { is: 'refused', code: 'busy' }],
    [4, ['error', 'busy', 'stand', 'bob', 0, '']],
  ])
})
