import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { raised } from '../../bench/raised.ts'
import { createNode, lmdbStore } from '../../src/index.ts'

/** Runs the command that was built, with a folder of its own for what it leaves. */
describe('bluetick bench', { timeout: 240_000 }, () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-test-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const start = (...args: string[]): ChildProcess & { said: string } => {
    const child = spawn(process.execPath, ['dist/src/cli/main.js', 'bench', ...args], {
      env: { ...process.env, TMPDIR: folder },
    })
    const bench = Object.assign(child, { said: '' })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        bench.said += bytes
      })
    return bench
  }
  const ended = async (bench: ChildProcess) => (await once(bench, 'close'))[0] as number
  const until = async (so: () => boolean) => {
    while (!so()) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  /** Processes of a run: those that were given its folder, and so on down. */
  const children = (pid: number): number[] => {
    try {
      const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
      return ids === '' ? [] : ids.split(' ').map(Number)
    } catch {
      return []
    }
  }
  const runs = (pid: number) => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
    } catch {
      return false
    }
  }

  it('measures what sealed messages cost beside plain ones, and all come', async () => {
    const json = join(folder, 'e2ee.json')
    const bench = start('e2ee', '--talks', '1', '--talk-rate', '20', '--seconds', '1', '--json', json)
    expect([await ended(bench), bench.said]).toEqual([0, expect.stringContaining('sealed_to_plain_cpu')])
    const figures = JSON.parse(readFileSync(json, 'utf8'))
    expect(figures).toMatchObject({ bench: 'e2ee', people: 2, messages: 60, lost: 0 })
    expect(figures.stored_bytes_per_sealed_message).toBeGreaterThan(figures.stored_bytes_per_message)
    expect(figures.open_cpu_us).toBeGreaterThan(0)
  })

  it('measures the copies of group messages, and every member has its own', async () => {
    const json = join(folder, 'fanout.json')
    const bench = start('fanout', '--members', '16', '--rate-seconds', '1', '--json', json)
    expect([await ended(bench), bench.said]).toEqual([0, expect.stringContaining('deliveries_per_second')])
    const figures = JSON.parse(readFileSync(json, 'utf8'))
    expect(figures).toMatchObject({ bench: 'fanout', lost: 0, duplicated: 0, disordered: 0, failures: [] })
    const row = {
      members: 16,
      deliveries_per_second: expect.any(Number),
      node_cpu_us_per_delivery: expect.any(Number),
      p99_ms: expect.any(Number),
    }
    expect(figures.curve).toEqual([
      expect.objectContaining({ ...row, online: true, cpu_ratio_to_floor: expect.any(Number) }),
      expect.objectContaining({ ...row, online: false }),
    ])
    for (const { p99_ms } of figures.curve) expect(p99_ms).toBeGreaterThan(0)
    // The copy, and a fifteenth of the group's own entry.
    expect(figures.curve[1].store_entries_per_delivery).toBeCloseTo(16 / 15, 1)
    expect(readdirSync(folder)).toEqual(['fanout.json'])
  })

  it('counts the copy that a sender has of its own message, where chats are permanent, and a receipt that comes before its sent', async () => {
    const node = createNode({ store: lmdbStore(join(folder, 'data')), lifetime: 'permanent', limits: raised })
    const { port } = await node.listen({ port: 0 })
    onTestFinished(() => node.close())
    const json = join(folder, 'throughput.json')
    const bench = start(
      ...['throughput', '--url', `ws://127.0.0.1:${port}`, '--pairs', '2', '--seconds', '1', '--json', json],
    )
    expect([await ended(bench), bench.said]).toEqual([0, expect.stringContaining('messages_per_second')])
    const figures = JSON.parse(readFileSync(json, 'utf8'))
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, disordered: 0, unconfirmed: 0, failures: [] })
    expect(figures.messages_per_second).toBeGreaterThan(0)
    // One that is not counted comes again after 5 s.
    expect(figures.p99_ms).toBeLessThan(4_000)
  })

  it('measures what a lone message costs beside the relay, beside one that writes it to the disk, and beside another build in the same run', async () => {
    const json = join(folder, 'latency.json')
    const beside = ['--durable', '--against', '.']
    const bench = start('latency', '--rates', '300', '--lone-seconds', '1', ...beside, '--json', json)
    expect([await ended(bench), bench.said]).toEqual([0, expect.stringContaining('lone_cpu_ratio_300')])
    const figures = JSON.parse(readFileSync(json, 'utf8'))
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, disordered: 0, unconfirmed: 0, failures: [] })
    const [row] = figures.rates
    expect(figures.rates).toHaveLength(1)
    expect(figures.lone_cpu_ratio_300).toBeCloseTo(row.node_cpu_us_per_message / row.floor_cpu_us_per_message, 5)
    expect(row.cpu_ratio_to_against).toBeCloseTo(row.node_cpu_us_per_message / row.against_cpu_us_per_message, 5)
    expect(row.durable_cpu_ratio_to_floor).toBeCloseTo(row.durable_cpu_us_per_message / row.floor_cpu_us_per_message, 5)
    for (const key of ['durable_sent_p50_ms', 'durable_delivered_p99_ms']) expect(row[key], key).toBeGreaterThan(0)
    for (const key of ['sent_p50_ms', 'delivered_p99_ms', 'against_delivered_p99_ms', 'floor_delivered_p99_ms'])
      expect(row[key], key).toBeGreaterThan(0)
    // Without what the generator was late.
    expect(row.answered_p50_ms).toBeGreaterThan(0)
    expect(row.answered_p50_ms).toBeLessThanOrEqual(row.sent_p50_ms)
    expect(figures.answered_p50_ms_300).toBe(row.answered_p50_ms)
    // Both are of a core: the thread's CPU, and the time that its loop did not wait.
    for (const key of ['node_main_cpu_share', 'loop_busy_share']) expect(row[key], key).toBeGreaterThan(0)
    expect(readdirSync(folder)).toEqual(['latency.json'])
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves no files and no processes after %s', async (signal) => {
    const bench = start('throughput', '--pairs', '4', '--seconds', '60')
    await until(() => bench.exitCode !== null || children(bench.pid ?? 0).length === 3)
    const pids = children(bench.pid ?? 0)
    expect(pids, bench.said).toHaveLength(3)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(readdirSync(folder)).toHaveLength(1)
    bench.kill(signal)
    await ended(bench)
    await until(() => !pids.some(runs))
    await until(() => readdirSync(folder).length === 0)
    if (signal !== 'SIGKILL') expect(bench.said).toContain('stops and cleans up')
  })

  it('lets no more than one inbox takes be in flight to one hot recipient', async () => {
    const json = join(folder, 'hot.json')
    const bench = start('throughput', '--hot', '--pairs', '200', '--in-flight', '8', '--seconds', '1', '--json', json)
    expect(await ended(bench), bench.said).toBe(0)
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ in_flight: 2, lost: 0, failures: [] })
  })

  it('says what is wrong without a run', async () => {
    const bench = start('density', '--users', '90000000')
    expect(await ended(bench)).toBe(1)
    expect(bench.said).toMatch(/^bluetick bench: the node needs \d+ open files .* "ulimit -n \d+"/)
    expect(readdirSync(folder)).toEqual([])
  })
})
