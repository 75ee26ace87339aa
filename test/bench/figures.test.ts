import { describe, expect, it } from 'vitest'
import { Histogram, percentile } from '../../bench/histogram.ts'
import { report } from '../../bench/report.ts'
import { median } from '../../bench/runs.ts'
import { shares } from '../../bench/shares.ts'
import { table } from '../../bench/table.ts'
import { othersIn, verdict } from '../../bench/verdict.ts'

const curve = [
  { members: 2, online: true, deliveries_per_second: 5_000, node_cpu_us_per_delivery: 40, floor: 1 },
  { members: 2, online: false, deliveries_per_second: 9_000, node_cpu_us_per_delivery: 30 },
]
const result = {
  date: '2026-01-01T00:00:00.000Z',
  command: 'bluetick bench fanout --note <b>',
  machine: { cpu: 'cpu', cores: 2, memory_bytes: 2 ** 30, kernel: '6', node: 'v20', packages: { lmdb: '3' } },
  results: { fanout: { lost: 0, curve } },
}

describe('figures', () => {
  it('of latency are within a hundredth', () => {
    const histogram = new Histogram()
    for (let ms = 1; ms <= 1_000; ms++) histogram.record(ms)
    expect(histogram.percentile(0.5)).toBeCloseTo(500, -1)
    expect(histogram.percentile(0.99) / 990).toBeCloseTo(1, 1)
    expect(percentile([3, 1, 2], 0.5)).toBe(2)
  })

  it('of several runs are medians with their ranges, and what one run got wrong counts', () => {
    const run = (n: number, lost: number) => ({ speed: n, lost, curve: [{ members: 2, p99_ms: n }], failures: [] })
    expect(median([run(3, 0), run(1, 1), run(2, 0)])).toMatchObject({
      runs: 3,
      speed: 2,
      lost: 1,
      ranges: { speed: [1, 3] },
      curve: [{ members: 2, p99_ms: 2, ranges: { p99_ms: [1, 3] } }],
    })
  })

  it('of curves are medians row by row, and a run may have rows that others lack', () => {
    const run = (...rows: [rate: number, p99: number][]) => ({
      rates: rows.map(([rate, p99_ms]) => ({ rate, p99_ms })),
    })
    const { rates } = median([run([300, 1]), run([300, 3], [2_000, 9]), run([300, 2])])
    expect(rates).toMatchObject([
      { rate: 300, p99_ms: 2, ranges: { p99_ms: [1, 3] } },
      { rate: 2_000, p99_ms: 9 },
    ])
  })

  it('of a rate at which something was not measured are not drawn', () => {
    const rates = [
      { rate: 300, delivered_p99_ms: 4, floor_delivered_p99_ms: 1 },
      { rate: 2_000, floor_delivered_p99_ms: 2 },
    ]
    const points = (html: string) =>
      [...html.matchAll(/points="([^"]*)"/g)].map(([, all = '']) => all.split(' ').filter(Boolean).length)
    expect(points(report({ ...result, results: { latency: { rates } } }))).toEqual([0, 2, 1, 0])
  })

  it('prove a run wrong when clients missed something, and tell when a generator was busy', () => {
    const { wrong, notes } = verdict({
      throughput: { lost: 2, duplicated: 0, failures: [], generator_busiest_share: 0.95 },
      fanout: { lost: 0, disordered: 1, failures: ['u1: closed'] },
    })
    expect(wrong).toEqual(['throughput: 2 messages lost', 'fanout: 1 messages disordered', 'fanout: u1: closed'])
    expect(notes).toEqual([expect.stringContaining('use more --generators')])
    const density = (users: number) => verdict({ density: { users, failures: [] } }).notes
    expect(density(500)).toEqual([expect.stringContaining('mostly noise')])
    expect(density(4_000)).toEqual([])
  })

  it('come with a note when the relay, other programs or the host of the machine say that it was busy', () => {
    const row = (rate: number, floor_delivered_p99_ms: number, others_cpu_share: number) => ({
      rate,
      floor_delivered_p99_ms,
      undisturbed: floor_delivered_p99_ms <= 2,
      others_cpu_share,
    })
    const notes = (...rows: ReturnType<typeof row>[]) => verdict({ latency: { rates: rows, steal_share: 0.03 } }).notes
    expect(notes(row(300, 1, 0.05), row(2_000, 12.3, 0.25))).toEqual([
      'latency: the p99 of the relay was above 2 ms, which is 3 ms less than what to ask of the node: 2,000/s 12.3 ms',
      'latency: other programs used up to 25 % of a core',
      'latency: the host of this machine took up to 3 % of a core',
    ])
    expect(verdict({ latency: { rates: [row(300, 1, 0.05)], steal_share: 0.01 } }).notes).toEqual([])
    expect(othersIn('replay', { others_cpu_share: 1.8 })).toBe('replay: other programs used up to 180 % of a core')
  })

  it('stand in a table, a column for each row of a curve', () => {
    const lines = table(result).split('\n')
    expect(lines).toContain('  members                       2      2')
    expect(lines).toContain('  online                      yes     no')
    expect(lines).toContain('  floor                         1       ')
  })

  it('of a profile are shares of the time that the thread was busy, by library and by folder', () => {
    const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url } })
    const nodes = [
      node(1, '(idle)'),
      node(2, '(garbage collector)'),
      node(3, 'pack', 'file:///b/node_modules/msgpackr/pack.js'),
      node(4, 'send', 'file:///b/dist/src/gateway/connection.js'),
      node(5, 'accept', 'file:///b/dist/actors/user/append.js'),
    ]
    const profile = { nodes, samples: [1, 2, 3, 4, 5, 5], timeDeltas: [900, 10, 20, 30, 25, 15] }
    expect(shares(profile).split('\n')).toEqual([
      '   40.0 %  actors',
      '   30.0 %  socket writes',
      '   20.0 %  msgpackr',
      '   10.0 %  (garbage collector)',
    ])
  })

  it('make a page that loads nothing and takes text for text', () => {
    const page = report(result)
    expect(page).toContain('2 members, offline')
    expect(page).toContain('&lt;b>')
    expect(page).not.toMatch(/<script|<link|src=|url\(/)
  })
})
