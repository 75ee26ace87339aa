/** The lines of the open chat in their order, and which of them the document has. Pure. */
import type { Line } from '../client/chats/index.ts'

/** Lines that are drawn of the newest, or around one; by how many there are more at an edge; and from how many on some leave. */
const span = 40
const step = 40
const many = 160
/** Lines before the first unread one that are drawn with it. */
const context = 20
/** Lines that are held; of so many, the oldest leave when the newest are in view: the book has them. */
const held = { most: 4_000, left: 2_000 }

export class Reel {
  #lines: Line[] = []
  readonly #known = new Map<string, Line>()
  #from = 0
  #to = 0

  get lines(): readonly Line[] {
    return this.#lines
  }

  get window(): readonly Line[] {
    return this.#lines.slice(this.#from, this.#to)
  }

  /** The line before those that are drawn. */
  get before(): Line | undefined {
    return this.#lines[this.#from - 1]
  }

  get isAtEnd(): boolean {
    return this.#to === this.#lines.length
  }

  get isAtStart(): boolean {
    return this.#from === 0
  }

  /** So much is drawn that what is far from the view may leave. */
  get isLong(): boolean {
    return this.#to - this.#from > many
  }

  /** Another chat: its end, or what is around a line. */
  start(lines: readonly Line[], at: Line | undefined): void {
    this.#lines = []
    this.#known.clear()
    this.#from = 0
    this.#to = 0
    this.put(lines)
    if (at) this.around(at, context)
    else this.toEnd()
  }

  /** Takes lines in, and answers those that are new. What is drawn stays drawn. */
  put(lines: readonly Line[]): Line[] {
    const [first, last, wasAtEnd] = [this.#lines[this.#from], this.#lines[this.#to - 1], this.isAtEnd]
    const fresh = [...new Map(lines.filter(({ id }) => !this.#known.has(id)).map((line) => [line.id, line])).values()]
    for (const line of lines) {
      const known = this.#known.get(line.id)
      if (!known) continue
      // One that came from a history keeps its place.
      const now = { ...line, order: known.order }
      this.#lines[this.#indexOf(known)] = now
      this.#known.set(line.id, now)
    }
    for (const line of fresh) this.#known.set(line.id, line)
    const newest = this.#lines.at(-1)?.order ?? Number.NEGATIVE_INFINITY
    this.#lines.push(...fresh)
    if (fresh.some(({ order }, n) => order < Math.max(newest, fresh[n - 1]?.order ?? newest)))
      this.#lines.sort((a, b) => a.order - b.order)
    if (first) this.#from = this.#indexOf(first)
    if (last) this.#to = this.#indexOf(last) + 1
    // What comes at the end is drawn where there is room.
    if (wasAtEnd) this.#to = Math.min(this.#lines.length, Math.max(this.#to, this.#from + many))
    return fresh
  }

  /** Takes lines out; false: none was there. */
  drop(lines: readonly Line[]): boolean {
    const gone = new Set(lines.map(({ id }) => id).filter((id) => this.#known.delete(id)))
    if (gone.size === 0) return false
    const goneIn = (from: number, to: number) => this.#lines.slice(from, to).filter(({ id }) => gone.has(id)).length
    const [before, within] = [goneIn(0, this.#from), goneIn(this.#from, this.#to)]
    this.#lines = this.#lines.filter(({ id }) => !gone.has(id))
    this.#from -= before
    this.#to -= before + within
    return true
  }

  /** Draws the newest lines. */
  toEnd(): void {
    if (this.#lines.length > held.most) this.#forget()
    this.#to = this.#lines.length
    this.#from = Math.max(0, this.#to - span)
  }

  /** Draws what is around a line; `above`: so many before it. */
  around(line: Line, above = span / 2): void {
    this.#from = Math.max(0, Math.min(this.#indexOf(line) - above, this.#lines.length - span))
    this.#to = Math.min(this.#lines.length, this.#from + span)
  }

  /** Draws older ones, or newer ones, as well; false: there are none. */
  up(): boolean {
    if (this.isAtStart) return false
    this.#from = Math.max(0, this.#from - step)
    return true
  }

  down(): boolean {
    if (this.isAtEnd) return false
    this.#to = Math.min(this.#lines.length, this.#to + step)
    return true
  }

  /** So many at the beginning and at the end are not drawn any more. */
  trim(first: number, last: number): void {
    this.#from += first
    this.#to -= last
  }

  #forget(): void {
    const gone = this.#lines.splice(0, this.#lines.length - held.left)
    for (const { id } of gone) this.#known.delete(id)
  }

  /** Places do not change: halving finds it. */
  #indexOf({ id, order }: Line): number {
    let [low, high] = [0, this.#lines.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#lines[middle]?.order ?? 0) < order) low = middle + 1
      else high = middle
    }
    // Of those that have the same place it is one.
    while (low < this.#lines.length && this.#lines[low]?.id !== id) low += 1
    return low
  }
}
