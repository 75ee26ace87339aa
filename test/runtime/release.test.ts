/** A shard is a function of the id, and its actors can be given up together. */
import { afterEach, expect, it } from 'vitest'
import type { Behaviour } from '../../src/runtime/behaviour.ts'
import { shardOf, startRuntime, systemClock } from '../../src/runtime/index.ts'

it('ids that look alike are spread over all shards, and each has its place for ever', () => {
  const counts = new Array<number>(1_024).fill(0)
  for (let n = 0; n < 102_400; n++) {
    const shard = shardOf(`user-${n}`, 1_024)
    counts[shard] = (counts[shard] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(50)
  expect(Math.max(...counts)).toBeLessThan(160)
  expect(['alice', 'bob', '#team', 'Zoë', ''].map((id) => shardOf(id, 1_024))).toEqual([542, 86, 492, 354, 11])
})

type Message = 'write' | 'save' | 'saved' | 'work' | 'worked' | 'rest'
type State = { unsaved: boolean; saving: boolean; busy: boolean }

let stop = () => {}
afterEach(() => stop())

/** Actors that write something, and save it when they are told to; `saves`: what the store does. */
function start(
  saves: (id: string) => Promise<void>,
  over: Partial<Behaviour<State, Message, Message, State>> = {},
  idleMs = 60_000,
  clock = systemClock,
) {
  const runtime = startRuntime({ shards: 8, supervisors: 2, idleMs, clock })
  stop = () => runtime.stop()
  const dead: [string, Message, string][] = []
  let loads = 0
  const actors = runtime.host<State, Message, Message, State>({
    kind: 'writer',
    load() {
      loads += 1
      return { unsaved: false, saving: false, busy: false }
    },
    receive(state, message, _now, effects) {
      if (message === 'write') state.unsaved = true
      if (message === 'save') Object.assign(state, { unsaved: false, saving: true })
      if (message === 'saved') state.saving = false
      if (message === 'work') state.busy = true
      if (message === 'worked') state.busy = false
      effects.push(message)
      return state
    },
    perform(id, effects) {
      if (effects.includes('save')) void saves(id).then(() => actors.tell(id, 'saved'))
    },
    rest: ({ saving, busy }) => (saving || busy ? 'busy' : 'keep'),
    pack: (state) => state,
    unpack: (_id, state) => state,
    leave: ({ unsaved, saving, busy }) => (saving || busy ? 'waits' : unsaved ? { tell: ['save'] } : 'goes'),
    deadLetter: (id, message, reason) => void dead.push([id, message, reason]),
    known: {},
    recover: ({ busy }, mail) => (busy ? ['work', ...mail] : [...mail]),
    restarted: () => {},
    gaveUp: () => {},
    ...over,
  })
  return { runtime, actors, dead, loads: () => loads }
}
const names = Array.from({ length: 64 }, (_, n) => `u${n}`)
const inShard = (shard: number) => names.filter((id) => shardOf(id, 8) === shard)

it('what actors of the shard had not saved is saved before they go, also of those that hibernate; the others stay', async () => {
  const saved: string[] = []
  const { runtime, actors } = start(async (id) => void saved.push(id), {}, 1)
  for (const id of names) actors.tell(id, 'write')
  await expect.poll(() => actors.size).toEqual({ present: 64, awake: 0 })
  for (const id of names.slice(0, 32)) actors.tell(id, 'rest')
  await runtime.release(3, 5_000)
  expect(saved.sort()).toEqual(inShard(3).sort())
  expect(inShard(3).length).toBeGreaterThan(2)
  expect(names.filter((id) => actors.inspect(id).status === 'absent')).toEqual(inShard(3))
})

it('an actor that has something under way is waited for', async () => {
  const { runtime, actors, dead } = start(async () => {})
  const [id] = inShard(1) as [string]
  actors.tell(id, 'work')
  const released = runtime.release(1, 60_000)
  await expect.poll(() => actors.inspect(id).mailbox).toBe(0)
  expect(actors.inspect(id).status).toBe('awake')
  actors.tell(id, 'worked')
  await released
  expect([actors.inspect(id).status, dead]).toEqual(['absent', []])
})

/** No timer of it ever runs out. */
const stopped = { ...systemClock, every: () => () => {} }

it('whoever goes waits for what is to be done, and for no clock', async () => {
  const saved: string[] = []
  const { runtime, actors, dead } = start(async (id) => void saved.push(id), {}, 60_000, stopped)
  const [id, other] = inShard(1) as [string, string]
  for (const one of [id, other]) actors.tell(one, 'work')
  actors.tell(id, 'write')
  const released = runtime.release(1, 60_000)
  await expect.poll(() => actors.inspect(other).mailbox).toBe(0)
  for (const one of [other, id]) actors.tell(one, 'worked')
  await released
  expect([saved, dead, actors.size.present]).toEqual([[id], [], 0])
})

it('one whose store takes nothing goes after some tries', async () => {
  let saves = 0
  const { runtime, actors } = start(
    async (id) => {
      saves += 1
      actors.tell(id, 'write')
    },
    {},
    60_000,
    stopped,
  )
  const [id] = inShard(1) as [string]
  actors.tell(id, 'write')
  await expect.poll(() => actors.inspect(id).mailbox).toBe(0)
  await runtime.release(1, 60_000)
  expect([actors.inspect(id).status, saves]).toEqual(['absent', 4])
})

it('who is woken while shards go, one after another, goes as well', async () => {
  const { runtime, actors, dead } = start(async () => {})
  const [first] = inShard(1) as [string]
  const [second] = inShard(2) as [string]
  actors.tell(first, 'rest')
  await expect.poll(() => actors.quiet).toBe(true)
  const one = runtime.release(1, 60_000)
  actors.tell(second, 'work')
  runtime.drop(2)
  await one
  expect([actors.inspect(second).status, dead]).toEqual(['absent', [[second, 'work', 'released']]])
})

it('one for which the store does not answer is dropped in time, and who waits for it is answered', async () => {
  const { runtime, actors, dead } = start(async () => {})
  const [id] = inShard(1) as [string]
  actors.tell(id, 'work')
  await expect.poll(() => actors.inspect(id).mailbox).toBe(0)
  await runtime.release(1, 120)
  expect(actors.inspect(id).status).toBe('absent')
  expect(dead).toEqual([[id, 'work', 'released']])
})

it('timers of actors that were released wake nobody, and what is told to one starts it anew', async () => {
  const { runtime, actors, loads } = start(async () => {})
  const [id] = inShard(1) as [string]
  const [other] = inShard(2) as [string]
  actors.tell(id, 'rest')
  actors.after(id, 10, 'rest')
  actors.after(other, 10, 'rest')
  await runtime.release(1, 5_000)
  runtime.wheel.hurry()
  expect([actors.inspect(id).status, actors.inspect(other).status]).toEqual(['absent', 'awake'])
  actors.tell(id, 'rest')
  actors.after(id, 10, 'rest')
  runtime.wheel.hurry()
  expect(actors.inspect(id).mailbox).toBe(2)
  await expect.poll(() => actors.quiet).toBe(true)
  expect(loads()).toBe(3)
})

it('an actor that is being loaded when its shard goes stays gone', async () => {
  let loaded = () => {}
  const load = () =>
    new Promise<State>((resolve) => {
      loaded = () => resolve({ unsaved: false, saving: false, busy: false })
    })
  const { runtime, actors, dead } = start(async () => {}, { load })
  const [id] = inShard(1) as [string]
  actors.tell(id, 'write')
  await runtime.release(1, 60)
  expect([actors.inspect(id).status, dead]).toEqual(['absent', [[id, 'write', 'released']]])
  loaded()
  await new Promise((resolve) => setImmediate(resolve))
  expect([actors.inspect(id).status, actors.size.present]).toEqual(['absent', 0])
})
