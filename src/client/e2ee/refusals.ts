/** What nobody can read costs the most to look at: messages of a device that has sent many such ones are not looked at for a while. */
import { systemClock } from '../clock.ts'

/** Messages of one device that may fail in `refusedMs`: with the longest way that a forged header asks for half a second in all. */
export const mostRefused = 16
/** Milliseconds. */
export const refusedMs = 60_000

export class Refusals {
  /** By device: when the first failed, and how many have since. */
  readonly #failed = new Map<string, { readonly at: number; readonly count: number }>()

  failed(device: string): void {
    const now = systemClock.monotonic()
    for (const [other, { at }] of this.#failed) if (now - at >= refusedMs) this.#failed.delete(other)
    const { at, count } = this.#failed.get(device) ?? { at: now, count: 0 }
    this.#failed.set(device, { at, count: count + 1 })
  }

  /** Milliseconds until its messages are looked at again. */
  wait(device: string): number {
    const of = this.#failed.get(device)
    return of && of.count >= mostRefused ? Math.max(0, of.at + refusedMs - systemClock.monotonic()) : 0
  }
}
