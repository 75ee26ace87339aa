/** What happens in a lap of the run queue, and in what order. */
import { expect, it } from 'vitest'
import type { Behaviour, RuntimeOptions } from '../../src/runtime/behaviour.ts'
import { type Clock, startRuntime, systemClock } from '../../src/runtime/index.ts'
import { type LapOptions, Turns } from '../../src/runtime/turns.ts'

/** Tasks of an event loop that a test runs one by one, and time that passes when it says so. */
function loop() {
  const tasks: (() => void)[] = []
  const time = { ms: 1 }
  const clock: Clock = {
    ...systemClock,
    monotonic: () => Math.trunc(time.ms),
    soon: (run) => void tasks.push(run),
  }
  return { clock, tasks, time, next: () => tasks.shift()?.() }
}

function start(over: Partial<LapOptions> = {}) {
  const { clock, tasks, time, next } = loop()
  const done: unknown[] = []
  const turns = new Turns(clock, { lap: 1_000, lapMs: 2, write: () => done.push('write'), ...over })
  const turn = (name: unknown, more: () => void = () => {}) =>
    turns.add(() => {
      done.push(name)
      more()
      return 1
    })
  return { turns, done, turn, tasks, time, next }
}

it('has in one task the turns, those that they bring about, the write, the turns that come of it, and the sends', () => {
  const { turns, done, turn, tasks, next } = start({
    write: () => {
      done.push('write')
      turn('durable')
    },
  })
  turns.send(() => done.push('send'))
  turn('first', () => {
    turn('third', () => turns.write())
    turns.send(() => done.push('send more'))
  })
  turn('second')
  expect(done).toEqual([])
  next()
  expect(done).toEqual(['first', 'second', 'third', 'write', 'durable', 'send', 'send more'])
  expect(tasks).toEqual([])
})

it('writes once, and what is asked for while it writes in the next', () => {
  const { turns, done, turn, next } = start({
    write: () => {
      done.push('write')
      if (done.length === 1) turn('durable', () => turns.write())
    },
  })
  turns.write()
  turns.write()
  next()
  expect(done).toEqual(['write', 'durable'])
  next()
  expect(done).toEqual(['write', 'durable', 'write'])
})

it('is cut after so many messages: what is left waits for another task, and what was asked for is written and sent', () => {
  const { turns, done, turn, tasks, next } = start({ lap: 3 })
  for (let n = 1; n <= 4; n++) turn(n)
  turns.write()
  turns.send(() => done.push('send'))
  next()
  expect(done).toEqual([1, 2, 3, 'write', 'send'])
  expect(tasks).toHaveLength(1)
  next()
  expect(done).toEqual([1, 2, 3, 'write', 'send', 4])
})

it('goes on after what is thrown in a turn, in the write or in a send, which is uncaught', () => {
  const fail = (what: string) => () => {
    throw new Error(what)
  }
  const { turns, done, turn, next, tasks } = start({ write: fail('write') })
  turns.add(fail('turn'))
  turn('turn')
  turns.write()
  turns.send(fail('send'))
  turns.send(() => done.push('send'))
  next()
  expect(done).toEqual(['turn', 'send'])
  expect(tasks).toHaveLength(3)
  for (const what of ['turn', 'write', 'send']) expect(next).toThrow(what)
})

it('takes what a send brings about into the next: a session that is closed then tells its actors', () => {
  const { turns, done, turn, next } = start()
  turns.send(() => {
    turn('left')
    turns.send(() => done.push('send'))
  })
  next()
  expect(done).toEqual([])
  next()
  expect(done).toEqual(['left', 'send'])
})

type State = { readonly seen: string[] }
type Effects = Behaviour<State, string, string>

/** Actors that do what they are told: `crash`, or say something. */
function actors(options: Partial<RuntimeOptions>, over: Partial<Effects> = {}) {
  const done: string[] = []
  const runtime = startRuntime({ shards: 2, supervisors: 2, ...options })
  const actors = runtime.host<State, string, string, unknown>({
    kind: 'test',
    load: () => ({ seen: [] }),
    receive(state, message, _now, effects) {
      if (message === 'crash') throw new Error('a crash')
      state.seen.push(message)
      effects.push(message)
      return state
    },
    perform: (id, effects) => void done.push(...effects.map((effect) => `${id} ${effect}`)),
    rest: () => 'keep',
    pack: (state) => state,
    unpack: (_id, kept) => kept as State,
    known: {},
    recover: (_state, mail) => mail.filter((message) => message !== 'crash'),
    leave: () => 'goes',
    deadLetter: () => {},
    restarted: (id) => void done.push(`${id} restarted`),
    gaveUp: () => {},
    ...over,
  })
  return { runtime, actors, done }
}

it('lets sockets be read every 2 ms, however many actors tell each other things for ever', async () => {
  const { clock, tasks, time, next } = loop()
  const count = 10_000
  const { runtime, actors: all } = actors(
    { clock },
    {
      perform(id) {
        // 10 µs each.
        time.ms += 0.01
        all.tell(String((Number(id) + 1) % count), 'go on')
      },
      receive: (state, _message, _now, effects) => {
        effects.push('told')
        return state
      },
    },
  )
  for (let n = 0; n < count; n++) all.tell(String(n), 'go on')
  await new Promise((resolve) => setImmediate(resolve))
  const lasted: number[] = []
  for (let lap = 0; lap < 500; lap++) {
    const since = time.ms
    next()
    lasted.push(time.ms - since)
  }
  expect(Math.max(...lasted)).toBeLessThan(2.5)
  // All of them have had their turn, several times.
  expect(runtime.counters.turns).toBeGreaterThan(5 * count)
  expect(tasks).toHaveLength(1)
  runtime.end()
})

it('gives an actor with mail left its next turn behind the others', async () => {
  const { clock, next } = loop()
  const { runtime, actors: all, done } = actors({ clock, turn: 2 })
  for (const message of ['1', '2', '3']) all.tell('ann', message)
  all.tell('ben', '1')
  await new Promise((resolve) => setImmediate(resolve))
  next()
  expect(done).toEqual(['ann 1', 'ann 2', 'ben 1', 'ann 3'])
  runtime.end()
})

it('goes on with the others where an actor crashes, does what it was asked before, and gives the dead no turn', async () => {
  const { clock, tasks, next } = loop()
  const { runtime, actors: all, done } = actors({ clock })
  for (const message of ['1', 'crash', '2']) all.tell('ann', message)
  all.tell('ben', '1')
  all.tell('cal', '1')
  await new Promise((resolve) => setImmediate(resolve))
  const life = all.peek('ann')
  next()
  expect(done).toEqual(['ann 1', 'ben 1', 'cal 1'])
  // At once: who asks for the life that asked something finds another.
  expect(life).toEqual({ seen: ['1'] })
  expect(all.peek('ann')).toBe(undefined)
  all.tell('ann', '3')
  expect(tasks, 'nobody waits in the place of the dead').toEqual([])
  for (let n = 0; n < 5; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    next()
  }
  expect(done.slice(3)).toEqual(['ann restarted', 'ann 2', 'ann 3'])
  expect(all.peek('ann')).toEqual({ seen: ['2', '3'] })
  runtime.end()
})

it('is over for an actor that goes while it waits, and for the one that takes its place it is another', async () => {
  const { clock, next } = loop()
  const { runtime, actors: all, done } = actors({ clock, shards: 1 })
  all.tell('ann', '1')
  await new Promise((resolve) => setImmediate(resolve))
  all.drop(0)
  all.tell('ann', '2')
  await new Promise((resolve) => setImmediate(resolve))
  next()
  expect(done).toEqual(['ann 2'])
  runtime.end()
})

it('gives nobody a turn when the runtime has ended, and writes and sends nothing, also where it waits', async () => {
  const { clock, tasks, next } = loop()
  const { runtime, actors: all, done } = actors({ clock, write: () => done.push('write') })
  all.tell('ann', '1')
  await new Promise((resolve) => setImmediate(resolve))
  runtime.turns.write()
  runtime.turns.send(() => done.push('send'))
  runtime.end()
  next()
  all.tell('ben', '1')
  await new Promise((resolve) => setImmediate(resolve))
  next()
  expect([done, tasks]).toEqual([[], []])
})
