/** The timers of a node whose loop is held up at times. */
import { expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/runtime/index.ts'
import { Wheel } from '../../src/runtime/wheel.ts'

/** A clock that is set, and an interval that fires when it is told to. */
function held() {
  let now = 1
  let fire = () => {}
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    every(_, run) {
      fire = run
      return () => {}
    },
  }
  const wheel = new Wheel(clock)
  wheel.start()
  const pass = (ms: number) => {
    now += ms
  }
  /** So many ticks pass, each in its time. */
  const turns = (ticks: number) => {
    for (let left = ticks; left > 0; left--) {
      pass(50)
      fire()
    }
  }
  return { wheel, pass, fire: () => fire(), turns, now: () => now }
}

it('a timer that is set after the loop was held up, and before the wheel has turned, is not early', () => {
  const { wheel, pass, fire, turns, now } = held()
  pass(1_000)
  const at = now()
  const fired: number[] = []
  wheel.after(100, () => fired.push(now() - at))
  fire()
  expect(fired).toEqual([])
  turns(4)
  expect(fired).toEqual([150])
})

it('a timer that a late one sets is not early', () => {
  const { wheel, pass, fire, turns, now } = held()
  const fired: number[] = []
  wheel.after(0, () => {
    const at = now()
    wheel.after(100, () => fired.push(now() - at))
  })
  pass(1_000)
  fire()
  expect(fired).toEqual([])
  turns(4)
  expect(fired).toEqual([150])
})

it('one of more than a turn of the wheel fires in its turn', () => {
  const { wheel, pass, fire } = held()
  let fired = 0
  wheel.after(60_000, () => {
    fired += 1
  })
  pass(59_000)
  fire()
  expect(fired).toBe(0)
  pass(1_100)
  fire()
  expect(fired).toBe(1)
})
