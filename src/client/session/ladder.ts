/** The sent messages of one recipient that wait for ticks, by their position in the recipient's inbox. */
import type { Out } from './types.ts'

/** What a recipient has of one log, as was told in one life of the node: delivered and read up to these positions. */
export type Mark = { readonly epoch: number; readonly life: number; readonly delivered: number; readonly read: number }

export class Ladder {
  epoch = 0
  #outs: Out[] = []
  /** Those before are delivered; all in the array are unread. */
  #delivered = 0

  /** Messages come in the order of their positions, but for those that other devices sent: so the place is near the end. */
  add(out: Out, epoch: number, seq: number): void {
    // Another log: what the former one held cannot rise any more.
    if (epoch !== this.epoch) [this.epoch, this.#outs, this.#delivered] = [epoch, [], 0]
    let at = this.#outs.length
    while (at > 0 && position(this.#outs[at - 1]) > seq) at -= 1
    this.#outs.splice(at, 0, out)
    if (at < this.#delivered) this.#delivered = at
  }

  /** Takes what a mark says and answers the messages that it raises, in order. Looks only at those. */
  raise({ epoch, delivered, read }: Mark): Out[] {
    if (epoch !== this.epoch) return []
    let count = 0
    while (count < this.#outs.length && position(this.#outs[count]) <= read) count += 1
    const raised = this.#outs.splice(0, count)
    this.#delivered = Math.max(0, this.#delivered - count)
    while (position(this.#outs[this.#delivered]) <= delivered) {
      raised.push(this.#outs[this.#delivered] as Out)
      this.#delivered += 1
    }
    return raised
  }

  remove(out: Out): void {
    const at = this.#outs.indexOf(out)
    if (at === -1) return
    this.#outs.splice(at, 1)
    if (at < this.#delivered) this.#delivered -= 1
  }
}

const position = (out: Out | undefined): number => out?.message.at?.seq ?? Number.POSITIVE_INFINITY
