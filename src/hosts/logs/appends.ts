import type { Entry } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'

type Told = (is: 'appended' | 'unappended', first: Seq, last: Seq) => void
type Writer = {
  readonly waiters: (() => void)[]
  epoch: number
  busy: boolean
  next: Entry[]
  told: Told
  /** What was written last, where that failed. */
  failed: readonly Entry[]
  /** Whose log it is, this node is not to write any more. */
  over: boolean
  /** It has written since the last sweep. */
  used: boolean
}
const nothing: readonly Entry[] = []

type Write = (user: UserId, epoch: number, entries: readonly Entry[], done: (ok: boolean) => void) => void

/** What an actor appends in one turn. `lazy`: it asks for no write of its own. */
export type Append = { readonly epoch: number; readonly entries: readonly Entry[]; readonly lazy: boolean }

/** What waits to go along with another append goes without one after this time. */
const lazyMs = 1_000
/** Who appends nothing between two of these, which are so many milliseconds apart, is forgotten. */
const sweepMs = 5_000

/**
 * One append of an inbox at a time; what comes meanwhile goes together with the next. Were they to overlap, a later one
 * could be written where an earlier one failed, and a crash before the retry would leave a hole in the inbox.
 *
 * A store writes what is asked for in one turn together, of whomever. So what is lazy waits for the next append of anybody.
 */
export class Appends {
  /** They stay for a while: a map that is filled and emptied all the time holds what was in it (docs/architecture.md). */
  readonly #writers = new Map<UserId, Writer>()
  #sweeping = false
  readonly #write: Write
  readonly #after: (ms: number, run: () => void) => void
  /** Whose next append is lazy, and whether there is a timer for them. */
  readonly #lazy = new Set<UserId>()
  #timed = false

  constructor(write: Write, after: (ms: number, run: () => void) => void) {
    this.#write = write
    this.#after = after
  }

  /** After a failure only entries from the failed one on are taken; others fail at once. */
  add(user: UserId, { epoch, entries, lazy }: Append, told: Told): void {
    const writer = this.#writers.get(user) ?? this.#begin(user, epoch, told)
    const [first, last] = ends(entries)
    if (writer.failed.length > 0 && first > ends(writer.failed)[0]) return told('unappended', first, last)
    writer.failed = nothing
    writer.told = told
    writer.epoch = epoch
    writer.next.push(...entries)
    if (writer.busy) return
    if (lazy) return this.#wait(user)
    this.#run(user, writer)
    this.#runLazy()
  }

  #begin(user: UserId, epoch: number, told: Told): Writer {
    const writer = newWriter(epoch, told)
    this.#writers.set(user, writer)
    this.#sweepLater()
    return writer
  }

  #sweepLater(): void {
    if (this.#sweeping || this.#writers.size === 0) return
    this.#sweeping = true
    this.#after(sweepMs, () => {
      this.#sweeping = false
      for (const [user, writer] of this.#writers) {
        if (!writer.used && isIdle(writer)) this.#writers.delete(user)
        writer.used = false
      }
      this.#sweepLater()
    })
  }

  #wait(user: UserId): void {
    this.#lazy.add(user)
    if (this.#timed) return
    this.#timed = true
    this.#after(lazyMs, () => {
      this.#timed = false
      this.#runLazy()
    })
  }

  #runLazy(): void {
    for (const user of this.#lazy) this.hurry(user)
  }

  /** What waits goes now. */
  hurry(user: UserId): void {
    const writer = this.#lazy.has(user) ? this.#writers.get(user) : undefined
    if (writer) this.#run(user, writer)
  }

  /** Resolves when nothing is under way for a user whose actor starts anew, and nothing has an outcome that is not known. */
  allLanded(user: UserId): Promise<void> {
    return new Promise((resolve, reject) =>
      this.landed(user, (ok) => (ok ? resolve() : reject(new Error(`The last append for ${user} failed.`)))),
    )
  }

  /** As `allLanded`. What failed is written once more: some of it may be there, and no other entry may get its seq. */
  landed(user: UserId, then: (ok: boolean) => void): void {
    const writer = this.#writers.get(user)
    if (writer?.busy) return void writer.waiters.push(() => this.landed(user, then))
    if (writer && this.#lazy.has(user)) {
      this.#run(user, writer)
      return this.landed(user, then)
    }
    if (!writer || writer.failed.length === 0) {
      this.#writers.delete(user)
      return then(true)
    }
    writer.next = [...writer.failed]
    writer.failed = nothing
    writer.told = (is) => then(is === 'appended')
    this.#run(user, writer)
  }

  /** The logs of these are another's from now on: what has failed is not written again, and nobody is told what comes of the rest. */
  forget(isOf: (user: UserId) => boolean): void {
    for (const [user, writer] of this.#writers) {
      if (!isOf(user)) continue
      writer.over = true
      this.#writers.delete(user)
      this.#lazy.delete(user)
    }
  }

  #run(user: UserId, writer: Writer): void {
    const entries = writer.next
    const [first, last] = ends(entries)
    writer.next = []
    writer.busy = true
    writer.used = true
    this.#lazy.delete(user)
    this.#write(user, writer.epoch, entries, (ok) => {
      writer.busy = false
      if (writer.over) return wake(writer)
      if (!ok) {
        writer.next = []
        writer.failed = entries
      }
      writer.told(ok ? 'appended' : 'unappended', first, last)
      if (writer.busy) return
      if (writer.next.length > 0) return this.#run(user, writer)
      wake(writer)
    })
  }
}

const newWriter = (epoch: number, told: Told): Writer => ({
  busy: false,
  next: [],
  told,
  failed: nothing,
  epoch,
  waiters: [],
  over: false,
  used: true,
})

const isIdle = ({ busy, next, failed }: Writer): boolean => !busy && next.length === 0 && failed.length === 0

function wake({ waiters }: Writer): void {
  for (const wake of waiters.splice(0)) wake()
}

const ends = (entries: readonly Entry[]): [Seq, Seq] => [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0]
