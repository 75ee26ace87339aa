/** A model of stores that are put back: what a device may be told depends on what it has seen, and on nothing else. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { endOf } from '../../actors/log/lives.ts'
import type { Presented } from '../../actors/log/types.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'
import type { Life } from '../../src/store/contract.ts'
import { began as append, remembered } from '../../src/store/lives.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

/** Entries have contents that never come twice. */
type Copy = { readonly entries: readonly number[]; readonly lives: readonly Life[]; readonly starts: readonly number[] }
type Seen = { readonly name: number; readonly entries: readonly number[] }

class Model {
  store: Copy = { entries: [], lives: [], starts: [] }
  saved: Copy[] = []
  seen: Seen[] = []
  #count = 0

  constructor() {
    this.start()
  }
  start(): void {
    this.#count += 1
    this.store = { ...this.store, starts: [...this.store.starts, this.#count] }
  }
  append(): void {
    this.#count += 1
    const { entries, lives, starts } = this.store
    const from = entries.length + 1
    this.store = { starts, entries: [...entries, this.#count], lives: append(lives, { term: starts.length, from }) }
  }
  save(): void {
    this.saved.push(this.store)
  }
  putBack(which: number): void {
    this.store = this.saved[which % this.saved.length] ?? this.store
    this.start()
  }
  /** A device gets entries up to some seq. */
  look(upTo: number): void {
    const { entries, starts } = this.store
    this.seen.push({ name: starts.at(-1) as number, entries: entries.slice(0, upTo % (entries.length + 1)) })
  }
  honours({ name, entries }: Seen): boolean {
    const { lives, starts } = this.store
    const tail = this.store.entries.length
    return entries.length === 0 || entries.length <= endOf({ lives, tail }, starts.indexOf(name) + 1)
  }
}

const choices = fc.array(fc.nat(9_999), { minLength: 20, maxLength: 300, size: 'max' })
function run(choices: readonly number[], step: (model: Model, kind: number, rest: number) => void): Model {
  const model = new Model()
  for (const choice of choices) step(model, choice % 10, Math.floor(choice / 10))
  return model
}

it('a place that is honoured is of what the log has, whatever was put back, and how often', () => {
  fc.assert(
    fc.property(choices, (choices) => {
      const model = run(choices, (model, kind, rest) => {
        if (kind < 4) model.append()
        else if (kind < 6) model.start()
        else if (kind < 8) model.look(rest)
        else if (kind < 9) model.save()
        else model.putBack(rest)
      })
      for (const seen of model.seen)
        if (model.honours(seen)) expect(seen.entries).toEqual(model.store.entries.slice(0, seen.entries.length))
    }),
    { numRuns: 2_000 },
  )
})

it('every place is honoured where nothing was put back, unless its device was away for as many lives as a log remembers', () => {
  fc.assert(
    fc.property(choices, (choices) => {
      const model = run(choices, (model, kind, rest) =>
        kind < 6 ? model.append() : kind < 7 ? model.start() : model.look(rest),
      )
      const { starts } = model.store
      for (const seen of model.seen)
        if (starts.length - starts.indexOf(seen.name) < remembered) expect(model.honours(seen)).toBe(true)
      expect(model.store.lives.length).toBeLessThanOrEqual(remembered)
    }),
    { numRuns: 500 },
  )
})

const bob = 'bob' as UserId
const began = [
  { term: 1, from: 1 },
  { term: 3, from: 3 },
]
/** What becomes of a cursor of bob's phone in life 3, called 333: his log had two entries in the lives before. */
function shown(cursor: Presented, epoch = 7) {
  const record = { epoch, head: 1, tail: 5, lastTime: 1, cursors: [], settled: 5, waiting: null, lives: began, was: 0 }
  const state = startUser(bob, record, 9)
  const life = { ...limits, term: 3, life: 333 }
  const tell = (message: UserMessage) => asked(receive, state, message, { now: 1_000, limits: life })
  const effects = tell({ is: 'attach', session: 1, device: 'phone' as DeviceId, cursor })
  const renamed = effects.some((effect) => effect.do === 'rename')
  const stands = (epoch: number, seq: number, term: number) =>
    tell({ is: 'stand', session: 2, at: { epoch, seq, term }, life: 1 })[0]
  const why = state.log.readers[0]?.phase === 'reset' ? 'reset' : null
  return { renamed, why, epoch: state.log.epoch, acked: state.log.readers[0]?.acked, stands }
}

it('a log that a device has seen more of in an earlier life gets the name of this one, and once only', () => {
  expect(shown({ epoch: 7, seq: 2, term: 1 })).toMatchObject({ renamed: false, epoch: 7, acked: 2 })
  expect(shown({ epoch: 7, seq: 3, term: 2 })).toMatchObject({ renamed: true, epoch: 333, acked: 0 })
  expect(shown({ epoch: 7, seq: 1, term: 1, seen: 3 })).toMatchObject({ renamed: true, epoch: 333, acked: 0 })
  expect(shown({ epoch: 7, seq: 1, term: 0 })).toMatchObject({ renamed: true, epoch: 333, acked: 0 })
  // It has acknowledged nothing yet, and lost nothing.
  expect(shown({ epoch: 7, seq: 0, term: 1, seen: 2 })).toMatchObject({ renamed: false, why: null, acked: 0 })
  // Of this life, or not told: there is nothing to compare with.
  expect(shown({ epoch: 7, seq: 5, term: 3, seen: 9 })).toMatchObject({ renamed: false, acked: 5 })
  expect(shown({ epoch: 7, seq: 5 })).toMatchObject({ renamed: false, acked: 5 })
  expect(shown({ epoch: 333, seq: 3, term: 1 }, 333)).toMatchObject({ renamed: false, epoch: 333, acked: 0 })
  expect(shown({ epoch: 8, seq: 3, term: 1 })).toMatchObject({ renamed: false, epoch: 7, acked: 0 })
})

it('all who read a log that is renamed come again; who has lost something is told so when the name and the cursor are durable', () => {
  const record = { epoch: 7, head: 1, tail: 5, lastTime: 1, settled: 5, waiting: null, lives: began, was: 0 }
  const known = (device: string, seq: number) => ({ device: device as DeviceId, seq, seenAt: 1 })
  const state = startUser(bob, { ...record, cursors: [known('tab', 2), known('live', 5), known('phone', 4)] }, 9)
  const life = { ...limits, term: 3, life: 333 }
  const tell = (message: UserMessage) => asked(receive, state, message, { now: 1_000, limits: life })
  const attach = (session: number, device: string, cursor: Presented) =>
    tell({ is: 'attach', session, device: device as DeviceId, cursor })
  const of = (effects: readonly { do: string }[], ...wanted: string[]) =>
    effects.filter((effect) => wanted.includes(effect.do))
  expect(of(attach(1, 'tab', { epoch: 7, seq: 2, term: 1 }), 'fetch', 'welcome')).toMatchObject([{ do: 'fetch' }])
  expect(of(attach(2, 'live', { epoch: 7, seq: 5, term: 3 }), 'welcome')).toMatchObject([{ epoch: 7, why: null }])
  expect(of(attach(3, 'phone', { epoch: 7, seq: 4, term: 2 }), 'rename', 'close', 'fetch', 'welcome')).toEqual([
    { do: 'rename', epoch: 333 },
    { do: 'close', session: 1, code: 'resync' },
    { do: 'close', session: 2, code: 'resync' },
  ])
  expect(of(tell({ is: 'renamed', ok: false }), 'after', 'fetch')).toMatchObject([{ timer: 'rename' }])
  expect(of(tell({ is: 'timer', timer: 'rename' }), 'rename')).toHaveLength(1)
  expect(of(tell({ is: 'renamed', ok: true }), 'fetch')).toEqual([])
  expect(of(tell({ is: 'saved', ok: false }), 'fetch')).toEqual([])
  expect(of(tell({ is: 'timer', timer: 'save' }), 'save')).toMatchObject([
    { epoch: 333, cursors: [{}, {}, { seq: 0 }] },
  ])
  expect(of(tell({ is: 'saved', ok: true }), 'fetch')).toMatchObject([{ reader: 3, from: 1 }])
  expect(
    of(tell({ is: 'page', reader: 3, from: 1, entries: [{ is: 'gone', seq: 1, time: 1 }] }), 'welcome'),
  ).toMatchObject([{ epoch: 333, seq: 0, why: 'reset' }])
})

it('who was welcomed before an actor crashed comes again where the log was renamed since, and another does not', () => {
  const record = { epoch: 333, head: 1, tail: 5, lastTime: 1, settled: 5, waiting: null, lives: began, was: 7 }
  const attached = (life: number, welcomed: boolean) => {
    const state = startUser(bob, { ...record, cursors: [{ device: 'tab' as DeviceId, seq: 5, seenAt: 1 }] }, 9)
    const attach = { is: 'attach', session: 1, device: 'tab' as DeviceId, cursor: null } as const
    const message = welcomed ? { ...attach, welcomed: true as const } : attach
    return asked(receive, state, message, { now: 1_000, limits: { ...limits, term: 3, life } })
  }
  const resync = [{ do: 'close', session: 1, code: 'resync' }]
  const went = expect.arrayContaining([expect.objectContaining({ do: 'welcome', epoch: 333, seq: 5, why: null })])
  expect(attached(333, true)).toEqual(resync)
  expect(attached(333, false)).toEqual(went)
  expect(attached(334, true)).toEqual(went)
})

it('says up to where holds what was told of a log, also under its former name', () => {
  const { stands } = shown({ epoch: 7, seq: 3, term: 1 })
  const answer = (upTo: number) => expect.objectContaining({ do: 'stands', session: 2, upTo, now: 333 })
  expect(stands(7, 2, 1)).toEqual(answer(2))
  expect(stands(7, 4, 1)).toEqual(answer(2))
  expect(stands(7, 4, 3)).toEqual(answer(4))
  expect(stands(7, 4, 0)).toEqual(answer(0))
  expect(stands(8, 1, 1)).toEqual(answer(0))
})
