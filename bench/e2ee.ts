/**
 * What end-to-end encryption costs: two nodes in one run, the same people with two devices each, once as they are and once sealed. The
 * node's CPU and what it stores of a message, and what a device takes to seal, to open, and to begin with another one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesUsed } from '../src/store/lmdb/pages.ts'
import { Damages } from '../src/store/lmdb/table.ts'
import { openTables } from '../src/store/lmdb/tables.ts'
import { lmdbStore } from '../src/store/lmdb.ts'
import { type Child, startChild } from './child.ts'
import type { Sample } from './meter.ts'
import type { Progress } from './progress.ts'
import { started } from './started.ts'

export type E2eeBenchOptions = {
  readonly talks: number
  readonly rate: number
  readonly seconds: number
  readonly body: number
}

/** What talkers answer of a stretch. */
type Talked = { readonly received: number; readonly expected: number; readonly cpuUs: number }
type Bench = { readonly folder: string; readonly node: Child; readonly talkers: Child }
type Run = { readonly nodeUs: number; readonly clientUs: number; readonly lost: number }

const ways = ['plain', 'sealed'] as const
/** Stretches of each, in turn: what the machine does else falls on both. */
const rounds = 3

export async function e2eeBench(options: E2eeBenchOptions, progress: Progress) {
  const benches: Bench[] = []
  try {
    for (const way of ways) benches.push(await begun(way, options, progress))
    const runs = new Map<string, Run[]>(ways.map((way) => [way, []]))
    for (let round = 1; round <= rounds; round++)
      for (const [n, way] of ways.entries()) {
        progress.step(`${way}, ${round} of ${rounds}`)
        runs.get(way)?.push(await talked(benches[n] as Bench, options))
      }
    const [plain, sealed] = ways.map((way) => middle(runs.get(way) ?? []))
    progress.step('keys alone')
    const keys = await benches[1]?.talkers.ask<Record<string, number>>('keys', options.body)
    const messages = rounds * countOf(options)
    const plainBytes = await storedBy(benches[0] as Bench)
    const sealedBytes = await storedBy(benches[1] as Bench)
    const kept = messages + begunWith(options)
    return {
      people: 2 * options.talks,
      devices_each: 2,
      messages,
      body_bytes: options.body,
      node_cpu_us_per_message: plain?.nodeUs ?? 0,
      node_cpu_us_per_sealed_message: sealed?.nodeUs ?? 0,
      sealed_to_plain_cpu: (sealed?.nodeUs ?? 0) / (plain?.nodeUs ?? 1),
      stored_bytes_per_message: plainBytes.rest / kept,
      stored_bytes_per_sealed_message: sealedBytes.rest / kept,
      stored_bytes_of_keys_per_device: sealedBytes.keys / (4 * options.talks),
      clients_cpu_us_per_message: plain?.clientUs ?? 0,
      clients_cpu_us_per_sealed_message: sealed?.clientUs ?? 0,
      ...keys,
      lost: (plain?.lost ?? 0) + (sealed?.lost ?? 0),
    }
  } finally {
    for (const { node, talkers, folder } of benches) {
      await Promise.all([node.stop(), talkers.stop()])
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Messages before those that are measured: of each pair of devices the first begins a pairing, which is dearer. */
const begunWith = ({ talks }: E2eeBenchOptions): number => 4 * talks
const countOf = ({ rate, seconds }: E2eeBenchOptions): number => rate * seconds

async function begun(way: (typeof ways)[number], options: E2eeBenchOptions, progress: Progress): Promise<Bench> {
  progress.step(`connects ${4 * options.talks} devices, ${way}`)
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-bench-'))
  const node = startChild('node', [folder, '', '', way === 'sealed' ? 'allowed' : 'off'], started.flags, started.env)
  const talkers = startChild('talkers')
  const { port } = await node.ask<{ port: number }>('listen')
  await talkers.ask('open', { url: `ws://127.0.0.1:${port}`, talks: options.talks, seals: way === 'sealed' })
  await talkers.ask('talk', { ...options, count: begunWith(options) })
  return { folder, node, talkers }
}

async function talked({ node, talkers }: Bench, options: E2eeBenchOptions): Promise<Run> {
  const count = countOf(options)
  const before = await node.ask<Sample>('sample')
  const { received, expected, cpuUs } = await talkers.ask<Talked>('talk', { ...options, count })
  const after = await node.ask<Sample>('sample')
  return { nodeUs: (after.cpuUs - before.cpuUs) / count, clientUs: cpuUs / count, lost: expected - received }
}

/**
 * The bytes of the pages that its tables use, when the file was written anew and what was in the journal is in there, too. Of these what
 * public keys have, of which a device leaves so many however much its user writes. A file has some 300 KB more, of room ahead.
 */
async function storedBy({ node, folder }: Bench): Promise<{ readonly keys: number; readonly rest: number }> {
  await node.ask('end')
  const store = lmdbStore(folder)
  await store.open()
  await store.compact()
  const { root, versions, ...tables } = openTables(folder, new Damages(folder, () => {}))
  const keys = bytesUsed([tables.links, tables.shelves])
  const all = bytesUsed([versions, ...Object.values(tables)])
  await root.close()
  return { keys, rest: all - keys }
}

function middle(runs: readonly Run[]): Run {
  const of = (pick: (run: Run) => number) => runs.map(pick).sort((a, b) => a - b)[(runs.length - 1) >> 1] ?? 0
  const lost = runs.reduce((sum, run) => sum + run.lost, 0)
  return { nodeUs: of(({ nodeUs }) => nodeUs), clientUs: of(({ clientUs }) => clientUs), lost }
}
