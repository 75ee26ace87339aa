/** What is told for a log: appends that take long, by a listener whose faults cost nobody anything. */
import { expect, it } from 'vitest'
import { listener, type NodeEvent, timed } from '../../src/embed/events.ts'
import type { Fault } from '../../src/embed/faults.ts'

it('an append that took a second or more is told, and each is counted', () => {
  let now = 5_000.4
  const heard: NodeEvent[] = []
  const took: number[] = []
  const begins = timed(
    { now: () => 0, monotonic: () => now },
    (ms) => took.push(ms),
    (event) => heard.push(event),
  )
  const [fast, slow] = [begins('ann', 1), begins('#tea', 3)]
  now += 999
  fast()
  now += 601
  slow()
  expect(heard).toEqual([{ event: 'slow', log: '#tea', entries: 3, ms: 1_600 }])
  expect(took.map(Math.round)).toEqual([999, 1_600])
})

it('a listener is called after what happened, and what it throws is a fault', () => {
  const later: (() => void)[] = []
  const faults: Fault[] = []
  const clock = { soon: (run: () => void) => void later.push(run) }
  const hear = listener(
    () => {
      throw new Error('full')
    },
    clock,
    (fault) => faults.push(fault),
  )
  hear?.({ event: 'refused', code: 'bad_token', address: '10.0.0.3' })
  expect(faults).toEqual([])
  for (const run of later) run()
  expect(faults).toEqual([{ where: 'onEvent', error: new Error('full') }])
  expect(listener(undefined, clock, () => {})).toBeUndefined()
})
