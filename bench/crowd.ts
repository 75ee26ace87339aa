/** The users of one generator, their connections, and what they have counted. */
import { type Target, wire } from './socket.ts'
import { Counts, noTimes, type Times, timed, User } from './user.ts'

export type Open = {
  readonly target: Target
  readonly prefix: string
  /** Users [from, from + count). */
  readonly from: number
  readonly count: number
  /** Each opened user has this many entries to get before it counts as open; 0: none. */
  readonly entries?: number
  /** Only those that are the first of a group of so many, or only those that are not. */
  readonly groups?: number
  readonly only?: 'owners' | 'members'
}
/** What one generator has counted since it was last reset. */
export type Totals = {
  readonly sent: number
  readonly received: number
  readonly delivered: number
  readonly entries: number
  readonly changes: number
  readonly duplicated: number
  readonly disordered: number
  readonly failures: readonly string[]
  readonly buckets: Record<keyof Times, number[]>
  readonly wireBytes: number
  readonly cpuUs: number
}

/** Connections that are being opened at a time: the listen backlog is 512, and several processes share it. */
const opening = 64
/** Users of one client address: each connection needs a port of its own there. */
const perAddress = 5_000

export const crowd = {
  users: [] as User[],
  prefix: '',
  counts: new Counts(),
  /** Whether those that send in a closed loop go on. */
  pumping: false,
  ticking: undefined as NodeJS.Timeout | undefined,
}

/** Of the user's own end of its connection. */
export const addressOf = (index: number) => `127.0.0.${2 + (Math.floor(index / perAddress) % 250)}`

export function open(job: Open, progress: (done: number) => void): Promise<void> {
  crowd.prefix = job.prefix
  const indexes = wanted(job)
  const count = indexes.length
  let next = 0
  let done = 0
  return new Promise((resolve, reject) => {
    crowd.counts.failed = (reason) => reject(new Error(reason))
    const one = () => {
      const index = indexes[next++]
      if (index === undefined) return
      const user = new User(index, crowd.prefix, job.target, addressOf(index), crowd.counts)
      crowd.users.push(user)
      let left = job.entries ?? 0
      const ready = () => {
        user.ready = () => {}
        done += 1
        if (done % 100 === 0) progress(done)
        if (done === count) resolve()
        one()
      }
      user.ready = left === 0 ? ready : () => {}
      if (left > 0)
        user.entry = () => {
          left -= 1
          if (left === 0) ready()
        }
    }
    for (let i = 0; i < opening; i++) one()
    if (count === 0) resolve()
  })
}

function wanted({ from, count, groups = 1, only }: Open): number[] {
  const all = Array.from({ length: count }, (_, n) => from + n)
  return only ? all.filter((index) => (index % groups === 0) === (only === 'owners')) : all
}

/** Starts the window of measurement. */
export function mark(): void {
  crowd.counts.ms = noTimes()
}

export function totals(): Totals {
  const { ms, failed: _, ...counted } = crowd.counts
  const { user, system } = process.cpuUsage()
  return {
    ...counted,
    buckets: Object.fromEntries(timed.map((what) => [what, ms[what].buckets])) as Totals['buckets'],
    wireBytes: wire.sent + wire.received,
    cpuUs: user + system,
  }
}

/** Stops sending and waits, at most 10 s, until every message has its receipt. */
export async function drain(): Promise<void> {
  crowd.pumping = false
  clearInterval(crowd.ticking)
  const until = performance.now() + 10_000
  while (crowd.counts.delivered < crowd.counts.sent && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Resolves when the node has read all that was said: `close` loses what is under way, and who comes again gets what it did not acknowledge. */
export async function heard(): Promise<void> {
  await Promise.all(crowd.users.map((user) => user.heard()))
}

export function close(): void {
  clearInterval(crowd.ticking)
  for (const user of crowd.users) user.close()
  crowd.users = []
  crowd.counts = new Counts()
}
