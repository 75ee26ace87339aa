import type { Entry } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'

type Settle = (is: 'appended' | 'unappended', first: Seq, last: Seq) => void
type Line = {
  readonly waiters: (() => void)[]
  epoch: number
  busy: boolean
  next: Entry[]
  settle: Settle
  /** What was written last, where that failed. */
  failed: readonly Entry[]
}
const nothing: readonly Entry[] = []

type Write = (user: UserId, epoch: number, entries: readonly Entry[], done: (ok: boolean) => void) => void

/**
 * One append of an inbox at a time; what comes meanwhile goes together with the next. Were they to overlap, a later one
 * could be written where an earlier one failed, and a crash before the retry would leave a hole in the inbox.
 */
export class Appends {
  readonly #lines = new Map<UserId, Line>()
  readonly #write: Write

  constructor(write: Write) {
    this.#write = write
  }

  /** After a failure only entries from the failed one on are taken; others fail at once. */
  add(user: UserId, epoch: number, entries: readonly Entry[], settle: Settle): void {
    const line = this.#lines.get(user) ?? { busy: false, next: [], settle, failed: nothing, epoch, waiters: [] }
    this.#lines.set(user, line)
    const [first, last] = ends(entries)
    if (line.failed.length > 0 && first > ends(line.failed)[0]) return settle('unappended', first, last)
    line.failed = nothing
    line.settle = settle
    line.epoch = epoch
    line.next.push(...entries)
    if (!line.busy) this.#run(user, line)
  }

  /** Resolves when nothing is under way for a user whose actor starts anew, and nothing has an outcome that is not known. */
  settled(user: UserId): Promise<void> {
    return new Promise((resolve, reject) =>
      this.landed(user, (ok) => (ok ? resolve() : reject(new Error(`The last append for ${user} failed.`)))),
    )
  }

  /** As `settled`. What failed is written once more: some of it may be there, and no other entry may get its seq. */
  landed(user: UserId, then: (ok: boolean) => void): void {
    const line = this.#lines.get(user)
    if (line?.busy) return void line.waiters.push(() => this.landed(user, then))
    if (!line || line.failed.length === 0) {
      this.#lines.delete(user)
      return then(true)
    }
    line.next = [...line.failed]
    line.failed = nothing
    line.settle = (is) => then(is === 'appended')
    this.#run(user, line)
  }

  #run(user: UserId, line: Line): void {
    const entries = line.next
    const [first, last] = ends(entries)
    line.next = []
    line.busy = true
    this.#write(user, line.epoch, entries, (ok) => {
      line.busy = false
      if (!ok) {
        line.next = []
        line.failed = entries
      }
      line.settle(ok ? 'appended' : 'unappended', first, last)
      if (line.busy) return
      if (line.next.length > 0) return this.#run(user, line)
      if (line.failed.length === 0) this.#lines.delete(user)
      for (const wake of line.waiters.splice(0)) wake()
    })
  }
}

const ends = (entries: readonly Entry[]): [Seq, Seq] => [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0]
