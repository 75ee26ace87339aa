/** The media of a world: who holds what content until when. What nobody holds is gone. */
import type { MediaStore, Medium } from '../../src/media/contract.ts'
import type { MediaRef } from '../../src/protocol/ids.ts'
import type { MediaId } from '../../src/protocol/media.ts'

/** What the queue of a world's store hands on, and what of that changes something. */
export const mediaCalls = ['find', 'refer', 'release', 'collect'] as const
export const mediaWrites: readonly string[] = ['refer', 'release', 'collect']

const [type, size] = ['image/png', 3]

export class Contents implements Pick<MediaStore, (typeof mediaCalls)[number] | 'held'> {
  readonly #held = new Map<string, Map<string, number>>()

  /** Somebody has uploaded content that nobody had before. */
  put(media: string, holder: string, until: number): MediaRef {
    this.#held.set(media, new Map([[holder, until]]))
    return { media, type, size }
  }

  has(media: string): boolean {
    return this.#held.has(media)
  }

  async find(id: MediaId): Promise<Medium | undefined> {
    return this.has(id) ? { id, size, type, uploadedAt: 0 } : undefined
  }

  async refer(id: MediaId, holders: readonly string[], until: number): Promise<Medium | undefined> {
    const all = this.#held.get(id)
    for (const holder of holders) all?.set(holder, Math.max(until, all.get(holder) ?? 0))
    return this.find(id)
  }

  async release(prefix: string, id?: MediaId): Promise<void> {
    this.#drop((holder, _, media) => holder.startsWith(prefix) && (id ?? media) === media)
  }

  async *held(prefix: string) {
    for (const [id, holders] of this.#held)
      for (const holder of [...holders.keys()]) if (holder.startsWith(prefix)) yield { holder, id: id as MediaId }
  }

  async collect(now: number): Promise<number> {
    return this.#drop((_, until) => until <= now)
  }

  /** Answers how much content went. */
  #drop(goes: (holder: string, until: number, media: string) => boolean): number {
    const before = this.#held.size
    for (const [media, holders] of this.#held) {
      for (const [holder, until] of holders) if (goes(holder, until, media)) holders.delete(holder)
      if (holders.size === 0) this.#held.delete(media)
    }
    return before - this.#held.size
  }
}
