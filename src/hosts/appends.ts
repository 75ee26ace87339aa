import type { Seq, UserId } from '../protocol/ids.ts'
import type { Entry } from '../store/contract.ts'

type Settle = (is: 'appended' | 'unappended', first: Seq, last: Seq) => void
type Line = { busy: boolean; next: Entry[]; settle: Settle; failedAt: Seq; readonly waiters: (() => void)[] }
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
    const line = this.#lines.get(user) ?? { busy: false, next: [], settle, failedAt: 0, waiters: [] }
    this.#lines.set(user, line)
    const [first, last] = ends(entries)
    if (line.failedAt > 0 && first > line.failedAt) return settle('unappended', first, last)
    line.failedAt = 0
    line.settle = settle
    line.next.push(...entries)
    if (!line.busy) this.#run(user, epoch, line)
  }

  /** Calls `then` when nothing is under way for a user whose actor starts anew, and forgets what failed. */
  landed(user: UserId, then: () => void): void {
    const line = this.#lines.get(user)
    if (line?.busy) return void line.waiters.push(() => this.landed(user, then))
    this.#lines.delete(user)
    then()
  }

  #run(user: UserId, epoch: number, line: Line): void {
    const entries = line.next
    const [first, last] = ends(entries)
    line.next = []
    line.busy = true
    this.#write(user, epoch, entries, (ok) => {
      line.busy = false
      if (!ok) {
        line.next = []
        line.failedAt = first
      }
      line.settle(ok ? 'appended' : 'unappended', first, last)
      if (line.busy) return
      if (line.next.length > 0) return this.#run(user, epoch, line)
      if (line.failedAt === 0) this.#lines.delete(user)
      for (const wake of line.waiters.splice(0)) wake()
    })
  }
}

const ends = (entries: readonly Entry[]): [Seq, Seq] => [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0]
