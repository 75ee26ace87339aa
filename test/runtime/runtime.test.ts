/** The actor host: what happens to actors that crash, drown, sleep, or have many siblings. */
import { afterEach, expect, it } from 'vitest'
import type { Behaviour, RuntimeOptions } from '../../src/runtime/behaviour.ts'
import { Asks, startRuntime } from '../../src/runtime/index.ts'
import { Wheel } from '../../src/runtime/wheel.ts'

type State = { seen: number[]; keep: boolean }
type Log = {
  performed: [string, number][]
  dead: [number, string][]
  restarted: string[]
  gaveUp: string[]
  loads: number
}

const runtimes: ReturnType<typeof startRuntime>[] = []
afterEach(() => {
  for (const runtime of runtimes.splice(0)) runtime.stop()
})

/** Actors that remember numbers. `poison` always crashes them; `once` crashes them the first time. */
function host(options: Partial<RuntimeOptions> = {}, over: Partial<Behaviour<State, number, number, string>> = {}) {
  const runtime = startRuntime({ shards: 4, idleMs: 100, ...options })
  runtimes.push(runtime)
  const log: Log = { performed: [], dead: [], restarted: [], gaveUp: [], loads: 0 }
  const tried = new Set<number>()
  const actors = runtime.host<State, number, number, string>({
    kind: 'test',
    load: () => {
      log.loads += 1
      return { seen: [], keep: true }
    },
    receive(state, message, _now, effects) {
      effects.push(message)
      if (message === poison) throw new Error('poison')
      if (message >= once && message < poison && !tried.has(message)) {
        tried.add(message)
        throw new Error('once')
      }
      state.seen.push(message)
      return state
    },
    perform: (id, effects) => void log.performed.push(...effects.map((effect): [string, number] => [id, effect])),
    rest: (state) => (state.keep ? 'keep' : 'drop'),
    pack: (state) => JSON.stringify(state),
    unpack: (_id, kept) => JSON.parse(kept) as State,
    known: {},
    recover: (_state, mail) => [...mail],
    leave: () => 'goes',
    deadLetter: (_id, message, reason) => void log.dead.push([message, reason]),
    restarted: (id) => void log.restarted.push(id),
    gaveUp: (id) => void log.gaveUp.push(id),
    ...over,
  })
  return { actors, log, runtime, settled: () => expect.poll(() => actors.quiet).toBe(true) }
}
const once = 1_000_000
const poison = 2_000_000
const numbers = (log: Log) => log.performed.map(([, number]) => number)

it('handles mail in order, each once', async () => {
  const { actors, log, settled } = host()
  for (let n = 0; n < 1_000; n++) actors.tell('a', n)
  await settled()
  expect(numbers(log)).toEqual(Array.from({ length: 1_000 }, (_, n) => n))
})

it('tries a message that crashed the actor once more on a fresh state, and loses nothing around it', async () => {
  const { actors, log, settled } = host()
  for (const message of [1, 2, once, 3]) actors.tell('a', message)
  await settled()
  expect(numbers(log)).toEqual([1, 2, once, 3])
  expect(log.dead).toEqual([])
  expect(log.restarted).toEqual(['a'])
  expect(actors.peek('a')?.seen).toEqual([once, 3])
})

it('tells why an actor crashed, and which it was', async () => {
  const crashed: Error[] = []
  const { actors } = host({ crashed: (error) => crashed.push(error) })
  actors.tell('ann', once)
  await expect.poll(() => crashed.map(({ message }) => message)).toEqual(['the test ann crashed: Error: once'])
  expect(crashed[0]?.cause).toMatchObject({ message: 'once', stack: expect.stringContaining('runtime.test') })
})

it('puts a message aside that crashes the actor twice, and goes on', async () => {
  const { actors, log, runtime, settled } = host()
  for (const message of [1, poison, 2]) actors.tell('a', message)
  await settled()
  expect(numbers(log)).toEqual([1, 2])
  expect(log.dead).toEqual([[poison, 'poison']])
  expect(runtime.counters).toMatchObject({ restarts: 2, deadLetters: 1 })
})

it('does not try again what means nothing to the next life, and loses nothing of what does', async () => {
  const { actors, log, runtime, settled } = host({}, { recover: (_state, mail) => mail.filter((n) => n < once) })
  for (const message of [1, poison, 2]) actors.tell('a', message)
  await settled()
  for (const message of [poison, 3, 4]) actors.tell('a', message)
  await settled()
  expect(numbers(log)).toEqual([1, 2, 3, 4])
  expect([log.dead, runtime.counters.restarts]).toEqual([[], 2])
})

it('gives up an actor that crashes too often, tells of all its mail, and takes it back later', async () => {
  const { actors, log, settled } = host({ restarts: 3 })
  for (const message of [once, once + 1, once + 2, once + 3, 5]) actors.tell('a', message)
  await expect.poll(() => log.gaveUp).toEqual(['a'])
  expect(log.dead).toEqual([
    [once + 3, 'gave up'],
    [5, 'gave up'],
  ])
  actors.tell('a', 6)
  await settled()
  expect(numbers(log)).toEqual([once, once + 1, once + 2, 6])
})

it('gives up an actor that crashes and cannot be loaded then: whoever relies on it must begin anew', async () => {
  let loads = 0
  const load = async () => {
    loads += 1
    if (loads === 2) throw new Error('the store is down')
    return { seen: [], keep: true }
  }
  const { actors, log, settled } = host({}, { load })
  actors.tell('a', once)
  await expect.poll(() => log.dead).toEqual([[once, 'unloadable']])
  expect(log.gaveUp).toEqual(['a'])
  actors.tell('a', 1)
  await settled()
  expect([numbers(log), log.restarted, log.gaveUp]).toEqual([[1], [], ['a']])
})

it('leaves the siblings of a crashing actor alone', async () => {
  const { actors, log, settled } = host({ shards: 1 })
  for (let n = 0; n < 50; n++) {
    actors.tell('bad', poison)
    actors.tell('good', n)
  }
  await settled()
  expect(log.performed.filter(([id]) => id === 'good')).toHaveLength(50)
  expect(log.restarted).not.toContain('good')
})

it('crashes an actor whose effects cannot be performed, and keeps its mail', async () => {
  let broken = true
  const done: number[] = []
  const { actors, log, settled } = host(
    {},
    {
      perform(_id, effects) {
        if (broken) {
          broken = false
          throw new Error('the host failed')
        }
        done.push(...effects)
      },
    },
  )
  actors.tell('a', 1)
  await expect.poll(() => log.restarted).toEqual(['a'])
  actors.tell('a', 2)
  await settled()
  expect(done).toEqual([2])
})

it('answers false when a mailbox is full, and takes what it promised', async () => {
  const { actors, log, runtime, settled } = host({ mailbox: 10 })
  const taken = Array.from({ length: 25 }, (_, n) => actors.offer('a', n))
  expect(taken.filter(Boolean)).toHaveLength(10)
  expect(runtime.counters.overflows).toBe(15)
  await settled()
  expect(numbers(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(actors.offer('a', 99)).toBe(true)
})

it('tells of the mail of an actor that cannot be loaded, and tries again with the next', async () => {
  let down = true
  const load = async () => {
    if (down) throw new Error('the store is down')
    return { seen: [], keep: true }
  }
  const { actors, log, settled } = host({}, { load })
  actors.tell('a', 1)
  actors.tell('a', 2)
  await expect
    .poll(() => log.dead)
    .toEqual([
      [1, 'unloadable'],
      [2, 'unloadable'],
    ])
  down = false
  actors.tell('a', 3)
  await settled()
  expect(numbers(log)).toEqual([3])
})

it('hibernates idle actors, keeps the record or drops it, and wakes without losing mail', async () => {
  const { actors, log, runtime, settled } = host({ idleMs: 1 })
  actors.tell('kept', 1)
  actors.tell('dropped', 1)
  await settled()
  const state = actors.peek('dropped') as State
  state.keep = false
  await expect.poll(() => actors.size).toEqual({ present: 1, awake: 0 })
  expect(actors.inspect('kept')).toMatchObject({ status: 'hibernated', path: null })
  expect(actors.inspect('dropped')).toMatchObject({ status: 'absent' })
  expect(runtime.counters.hibernations).toBe(2)
  actors.tell('kept', 2)
  actors.tell('dropped', 2)
  await settled()
  expect(actors.peek('kept')?.seen).toEqual([1, 2])
  expect(actors.peek('dropped')?.seen).toEqual([2])
  expect(log.loads).toBe(3)
})

it('hibernates and wakes under load without losing or doubling a message', async () => {
  const { actors, log, settled, runtime } = host({ idleMs: 1 })
  const until = Date.now() + 4_000
  let n = 0
  while (Date.now() < until) {
    for (let burst = 0; burst < 200; burst++) actors.tell(`u${(n * 7) % 50}`, n++)
    await new Promise((resolve) => setTimeout(resolve, n % 3 === 0 ? 1_050 : 2))
  }
  await settled()
  expect(numbers(log).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, index) => index))
  expect(runtime.counters.hibernations).toBeGreaterThan(0)
})

it('holds 100,000 actors under one supervisor', async () => {
  const { actors, log, settled } = host({ shards: 1, idleMs: 60_000 })
  for (let n = 0; n < 100_000; n++) actors.tell(`u${n}`, n)
  await settled()
  expect(log.performed).toHaveLength(100_000)
  for (let n = 0; n < 100_000; n += 1_000) actors.tell(`u${n}`, n)
  await settled()
  expect(log.performed).toHaveLength(100_100)
})

it('answers an ask once, late when nobody did, and drops what comes after', () => {
  const wheel = new Wheel()
  const asks = new Asks<string>(wheel, 0, 'late')
  const answers: string[] = []
  const first = asks.ask((answer) => answers.push(answer))
  asks.answer(first, 'yes')
  asks.answer(first, 'again')
  const second = asks.ask((answer) => answers.push(answer))
  for (let tick = 0; tick < 20; tick++) wheel.advance()
  asks.answer(second, 'too late')
  expect(answers).toEqual(['yes', 'late'])
  expect(asks.size).toBe(0)
})

it('fires timers in order, never early, also beyond one turn of the wheel', () => {
  const wheel = new Wheel(undefined, 10, 8)
  const fired: [number, number][] = []
  let tick = 0
  for (const ms of [5, 10, 75, 80, 500]) wheel.after(ms, () => fired.push([ms, tick * 10]))
  for (; tick < 100; ) {
    tick += 1
    wheel.advance()
  }
  expect(fired.map(([ms]) => ms)).toEqual([5, 10, 75, 80, 500])
  for (const [ms, at] of fired) {
    expect(at).toBeGreaterThanOrEqual(ms)
    expect(at).toBeLessThanOrEqual(ms + 20)
  }
})
