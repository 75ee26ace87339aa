/** What the page for operators makes of what a node measures. */
import { expect, it } from 'vitest'
import { History, plots } from '../../src/web/admin/history.ts'
import { quantile, Reading, rate } from '../../src/web/admin/metrics.ts'

const text = (sessions: number, messages: number, buckets: readonly number[]) => `# HELP bluetick_sessions Connections.
# TYPE bluetick_sessions gauge
bluetick_sessions ${sessions}
bluetick_messages_accepted_total ${messages} 1395066363000
bluetick_refused_frames_total{code="busy"} 3
bluetick_refused_frames_total{code="a \\"quoted\\\\ one"} 2
bluetick_append_seconds_bucket{le="0.001"} ${buckets[0]}
bluetick_append_seconds_bucket{le="0.002"} ${buckets[1]}
bluetick_append_seconds_bucket{le="+Inf"} ${buckets[2]}
`
const before = new Reading(text(5, 100, [10, 10, 10]), 1_000)
const after = new Reading(text(7, 160, [10, 110, 110]), 3_000)

it('names, labels and values are read, whatever else stands there', () => {
  expect([after.sum('bluetick_sessions'), after.sum('bluetick_messages_accepted_total')]).toEqual([7, 160])
  expect([...after.by('bluetick_refused_frames_total', 'code')]).toEqual([
    ['busy', 3],
    ['a "quoted\\ one', 2],
  ])
  expect([after.sum('bluetick_refused_frames_total'), after.sum('none')]).toEqual([5, 0])
})

it('a counter tells how much came a second, and nothing over a start of the node', () => {
  expect(rate(before, after, 'bluetick_messages_accepted_total')).toBe(30)
  expect(rate(after, new Reading(text(0, 3, [0, 0, 0]), 5_000), 'bluetick_messages_accepted_total')).toBe(null)
})

it('a histogram tells what a share did not exceed of those that came between', () => {
  expect(quantile(before, after, 'bluetick_append_seconds', 0.5)).toBeCloseTo(0.0015)
  expect(quantile(before, before, 'bluetick_append_seconds', 0.5)).toBe(null)
  const slow = new Reading(text(7, 160, [10, 110, 310]), 4_000)
  expect(quantile(after, slow, 'bluetick_append_seconds', 0.99)).toBe(0.002)
})

it('ten minutes are kept', () => {
  const history = new History()
  for (let n = 0; n < 400; n++) history.add(new Reading(text(n, n * 10, [0, 0, 0]), n * 2_000), n * 2)
  const [times, sessions] = history.columns(0)
  expect([times.length, times[0], times.at(-1), sessions?.length, sessions?.at(-1)]).toEqual([300, 200, 798, 300, 399])
  expect([history.latest(1, 0), history.latest(3, 0)]).toEqual([5, null])
  expect(history.columns(1)).toHaveLength(1 + (plots[1]?.lines.length ?? 0))
})
