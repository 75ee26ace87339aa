/** A server under load: its process, the generators' processes, and what is asked of them together. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import type { Classes } from './classes.ts'
import type { Open, Totals } from './crowd.ts'
import type { Members } from './members.ts'
import { sampleOther } from './other.ts'
import type { NodeSample } from './sample.ts'
import type { Target } from './socket.ts'
import { started } from './started.ts'
import { noTimes, type Times, timed } from './user.ts'
import type { Ways } from './ways.ts'

/**
 * Which server: a node of the bench's own (of the build in another folder: `tree`; `webhooks`: the service that it tells what happens), the
 * bare floor, the floor of what is durable, a node that runs already, one of bench/peers, or nodes of a cluster that were started.
 */
export type Server =
  | { readonly is: 'node'; readonly flags?: readonly string[]; readonly tree?: string; readonly webhooks?: string }
  | { readonly is: 'floor' | 'durable'; readonly flags?: readonly string[] }
  | { readonly is: 'url'; readonly url: string; readonly pid: number }
  | { readonly is: 'peer'; readonly port: number; readonly wire: string; readonly pid: number }
  | { readonly is: 'members'; readonly members: Members; readonly ways: Ways; readonly reads: boolean }

/** Which of the users are opened, and when they count as open. */
export type Which = Pick<Open, 'entries' | 'groups' | 'only'>

/** What all generators have counted together. */
export type Sum = Omit<Totals, 'buckets'> & {
  readonly ms: Times
  /** CPU of each generator, in microseconds. */
  readonly cpus: readonly number[]
}

/** Data of the nodes that run. */
const folders = new Set<string>()

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-bench-'))
  folders.add(folder)
  return folder
}
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}
process.once('exit', () => folders.forEach(removeFolder))

export class Bed {
  readonly target: Target
  readonly prefix = `${Date.now().toString(36)}-`
  readonly #server: Pick<Child, 'ask' | 'stop'> | undefined
  readonly #generators: readonly Child[]
  /** Of the server; 0: not known. */
  readonly pid: number
  readonly #folder: string

  private constructor(
    target: Target,
    server: Pick<Child, 'ask' | 'stop'> | undefined,
    generators: readonly Child[],
    pid = 0,
    folder = '',
  ) {
    this.target = target
    this.#server = server
    this.#generators = generators
    this.pid = pid
    this.#folder = folder
  }

  static async start(server: Server, generators: number): Promise<Bed> {
    if (server.is === 'url') {
      const { hostname, port } = new URL(server.url)
      const target = { host: hostname, port: Number(port || 80), relay: false }
      return new Bed(target, undefined, startGenerators(generators), server.pid)
    }
    if (server.is === 'peer') {
      const target = { host: '127.0.0.1', port: server.port, relay: false, wire: server.wire }
      return new Bed(target, undefined, startGenerators(generators, 'peers/generator'), server.pid)
    }
    if (server.is === 'members') {
      const { members, ways, reads } = server
      const target = { host: '127.0.0.1', port: ways.ports[0] ?? 0, relay: false, ways, reads }
      return new Bed(target, members.asOne, startGenerators(generators))
    }
    const folder = makeFolder()
    const args = server.is === 'node' ? [folder, server.tree ?? '', server.webhooks ?? ''] : [folder]
    const child = startChild(server.is, args, [...started.flags, ...(server.flags ?? [])], started.env)
    try {
      const { port } = await child.ask<{ port: number }>('listen')
      const target = { host: '127.0.0.1', port, relay: server.is !== 'node' }
      return new Bed(target, child, startGenerators(generators), child.pid, folder)
    } catch (error) {
      await child.stop()
      removeFolder(folder)
      throw error
    }
  }

  get size(): number {
    return this.#generators.length
  }

  /** Asks each generator; `args` by its number. Progress is the sum. */
  all<Answer>(what: string, args: (n: number) => unknown, progress?: (done: number) => void): Promise<Answer[]> {
    const done = this.#generators.map(() => 0)
    const report = (n: number) => (count: number) => {
      done[n] = count
      progress?.(done.reduce((sum, one) => sum + one, 0))
    }
    return Promise.all(this.#generators.map((child, n) => child.ask<Answer>(what, args(n), report(n))))
  }

  /** Opens users [from, from + count), a share in each generator; pairs stay together. */
  open(from: number, count: number, which: Which = {}, progress?: (done: number) => void): Promise<unknown> {
    const share = Math.ceil(count / this.size / 2) * 2
    return this.all(
      'open',
      (n) => ({
        ...which,
        target: { ...this.target, groups: which.groups ?? 2 },
        prefix: this.prefix,
        from: from + n * share,
        count: Math.max(0, Math.min(share, count - n * share)),
      }),
      progress,
    )
  }

  /** What all generators have counted, after all of them stopped sending and have their receipts. */
  async drain(): Promise<Sum> {
    await this.all('drain', () => null)
    // Not what each one says when it is done: the others may still send to its users.
    return this.totals()
  }

  async totals(): Promise<Sum> {
    const each = await this.all<Totals>('totals', () => null)
    const sum = (pick: (totals: Totals) => number) => each.reduce((all, one) => all + pick(one), 0)
    const ms = noTimes()
    for (const what of timed) for (const { buckets } of each) ms[what].add(buckets[what])
    return {
      sent: sum(({ sent }) => sent),
      received: sum(({ received }) => received),
      delivered: sum(({ delivered }) => delivered),
      entries: sum(({ entries }) => entries),
      changes: sum(({ changes }) => changes),
      duplicated: sum(({ duplicated }) => duplicated),
      disordered: sum(({ disordered }) => disordered),
      failures: each.flatMap(({ failures }) => failures),
      wireBytes: sum(({ wireBytes }) => wireBytes),
      cpuUs: sum(({ cpuUs }) => cpuUs),
      cpus: each.map(({ cpuUs }) => cpuUs),
      ms,
    }
  }

  async sample(): Promise<NodeSample> {
    return this.#server ? this.#server.ask<NodeSample>('sample') : sampleOther(this.pid)
  }

  /** Collects the garbage of the server, where it is the bench's own. */
  async collect(): Promise<void> {
    await this.#server?.ask('collect')
  }

  /** What the server has in its heap, where it is the bench's own. */
  async classes(): Promise<Classes> {
    return (await this.#server?.ask<Classes>('classes')) ?? {}
  }

  /** Waits until so many copies of group messages are durable with their members, of those that were since the start. */
  async durable(copies: number): Promise<void> {
    await this.#server?.ask('durable', copies)
  }

  async reset(options: { closely?: boolean } = {}): Promise<void> {
    await this.#server?.ask('reset', options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#server, ...this.#generators].map((child) => child?.stop()))
    if (this.#folder) removeFolder(this.#folder)
  }
}

const startGenerators = (count: number, name = 'generator'): Child[] =>
  Array.from({ length: count }, () => startChild(name))

/** Runs `use` with a bed and cleans up after it, also when it fails. */
export async function withBed<T>(server: Server, generators: number, use: (bed: Bed) => Promise<T>): Promise<T> {
  const bed = await Bed.start(server, generators)
  try {
    return await use(bed)
  } finally {
    await bed.close()
  }
}

/** The same with several, by name. */
export async function withBeds<Name extends string, T>(
  servers: Readonly<Partial<Record<Name, Server>>>,
  generators: number,
  use: (beds: Partial<Record<Name, Bed>>) => Promise<T>,
): Promise<T> {
  const beds: Partial<Record<Name, Bed>> = {}
  try {
    for (const [name, server] of Object.entries(servers) as [Name, Server][])
      beds[name] = await Bed.start(server, generators)
    return await use(beds)
  } finally {
    await Promise.all(Object.values<Bed>(beds as Record<Name, Bed>).map((bed) => bed.close()))
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
