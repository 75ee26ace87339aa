/** The benchmarks of a cluster, in their shortest form, on a Cassandra that runs. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CassandraOptions } from '../../src/store/cassandra/connection.ts'
import { cassandraNode, isWhole, oneNodeHere } from './here.ts'

describe('the benchmarks of a cluster', { ...oneNodeHere, timeout: 600_000 }, () => {
  const cassandra = cassandraNode()
  const folder = mkdtempSync(join(tmpdir(), 'bench-test-'))
  let given: CassandraOptions
  beforeAll(async () => {
    given = await cassandra.keyspace()
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const bench = async (...args: string[]) => {
    const json = join(folder, 'figures.json')
    const { contactPoints, localDc } = given
    const where = ['--contact-points', contactPoints.join(), '--local-dc', localDc, '--soak', '1', '--json', json]
    await promisify(execFile)(process.execPath, ['dist/src/cli/main.js', 'bench', ...args, ...where])
    return JSON.parse(readFileSync(json, 'utf8'))
  }
  const clean = { lost: 0, duplicated: 0, disordered: 0, failures: [] }

  it('tell what a message costs on one, two and three nodes, and what goes between them', async () => {
    const figures = await bench('cluster', '--pairs', '20', '--rate', '100', '--seconds', '1', '--remote', '0')
    expect(figures).toMatchObject({ bench: 'cluster', ...clean, unconfirmed: 0 })
    const loads = figures.loads as Record<string, number | boolean>[]
    expect(loads.map(({ rate, nodes, homed }) => [Math.round(Number(rate)), nodes, homed])).toEqual([
      [100, 1, true],
      [33, 1, true],
      [100, 2, true],
      [100, 2, false],
      [100, 3, true],
      [100, 3, false],
    ])
    for (const { node_cpu_us_per_message: cost } of loads) expect(cost).toBeGreaterThan(0)
    const [none, , , , homed, forwarded] = loads.map(({ link_frames_per_message: frames }) => frames)
    expect(none).toBe(0)
    expect(homed).toBe(figures.link_frames_per_message_homed)
    // Who sends and who gets it are known to two more nodes where neither is at home.
    expect(forwarded).toBeGreaterThan(Number(homed))
    for (const key of ['ratio_homed_3', 'ratio_forwarded_3', 'ratio_homed_3_same_load', 'idle_cpu_share'])
      expect(figures[key], key).toBeGreaterThan(0)
  })

  it.runIf(isWhole)('tell what a user of several nodes at one port costs', async () => {
    const figures = await bench('density', '--nodes', '2', '--users', '200')
    const { sessions_of_fullest: fullest } = figures
    expect(figures).toMatchObject({
      users: 200,
      nodes: 2,
      sessions: 200,
      node_rss_bytes_per_user: expect.any(Number),
      ...clean,
    })
    // The kernel has given each its part.
    expect(fullest).toBeLessThan(200)
  })
})
