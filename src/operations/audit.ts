/**
 * What operators asked of a node, for its log, which lacks none of it. What changes something is told each time. Of what only reads, as a
 * page that shows a node does every other second, the first is told at once, and how often the same was asked since with the next one after
 * ten minutes, or when the node ends.
 */
import type { NodeEvent, OnEvent } from '../embed/events.ts'
import type { Millis } from '../protocol/ids.ts'
import type { ClockFace } from '../runtime/index.ts'

type Operated = Extract<NodeEvent, { event: 'operated' }>
/** `calls`: how often since it was told at `toldAt`. */
type Repeated = { readonly event: Operated; toldAt: Millis; calls: number }

const sittingMs: Millis = 600_000
/** What is remembered as read: of more the one that was told of first is forgotten, and told again. */
const remembered = 1_000

export class Audit {
  readonly #tell: OnEvent
  readonly #clock: Pick<ClockFace, 'monotonic'>
  readonly #read = new Map<string, Repeated>()

  constructor(tell: OnEvent, clock: Pick<ClockFace, 'monotonic'>) {
    this.#tell = tell
    this.#clock = clock
  }

  changed(event: Operated): void {
    this.#tell(event)
  }

  read(event: Operated): void {
    const key = JSON.stringify(event)
    const [known, now] = [this.#read.get(key), this.#clock.monotonic()]
    if (!known) {
      this.#tell(event)
      this.#read.set(key, { event, toldAt: now, calls: 0 })
      if (this.#read.size > remembered) this.#forget(this.#read.keys().next().value as string)
      return
    }
    known.calls += 1
    if (now - known.toldAt < sittingMs) return
    this.#tell({ ...event, calls: known.calls })
    Object.assign(known, { toldAt: now, calls: 0 })
  }

  /** The node ends. */
  end(): void {
    for (const key of this.#read.keys()) this.#forget(key)
  }

  #forget(key: string): void {
    const known = this.#read.get(key)
    this.#read.delete(key)
    if (known && known.calls > 0) this.#tell({ ...known.event, calls: known.calls })
  }
}
