/** What users may do at a time and in a day. Kept in memory: a restart of the node forgives what was used. */
import type { Millis } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import type { MediaError } from '../protocol/media.ts'
import type { ClockFace } from '../runtime/index.ts'

type MediaLimits = Pick<Limits, 'mediaBytesPerDay' | 'mediaUploads' | 'mediaDownloads' | 'mediaTransfers'>
type Use = { uploads: number; downloads: number; bytes: number; at: Millis }

const dayMs = 86_400_000
/** Bytes that the least upload or piece counts as: a file costs more than what is in it. */
const leastBytes = 16 * 1024
/** Users remembered before those who have used nothing are looked for and forgotten. */
const manyUsers = 10_000

export class Allowance {
  readonly #limits: MediaLimits
  readonly #clock: Pick<ClockFace, 'monotonic'>
  readonly #users = new Map<string, Use>()
  #pruneAt = manyUsers
  /** Transfers under way. */
  transfers = 0

  constructor(limits: MediaLimits, clock: Pick<ClockFace, 'monotonic'>) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Counts a transfer, until `leave`; or says why it may not begin. */
  enter(user: string, kind: 'uploads' | 'downloads'): MediaError | undefined {
    const { mediaTransfers, mediaUploads, mediaDownloads } = this.#limits
    const use = this.#use(user)
    if (this.transfers >= mediaTransfers) return 'busy'
    if (kind === 'uploads' && use.uploads >= mediaUploads) return 'too_many_uploads'
    if (kind === 'downloads' && use.downloads >= mediaDownloads) return 'too_many_downloads'
    use[kind] += 1
    this.transfers += 1
    return undefined
  }

  leave(user: string, kind: 'uploads' | 'downloads'): void {
    const use = this.#users.get(user)
    if (use) use[kind] -= 1
    this.transfers -= 1
  }

  /** Takes what an upload brings from the user's day, and answers 0; or the milliseconds after which there will be as much. */
  take(user: string, bytes: number): Millis {
    const use = this.#use(user)
    const after = use.bytes + Math.max(bytes, leastBytes)
    if (after > this.#limits.mediaBytesPerDay)
      return Math.ceil(((after - this.#limits.mediaBytesPerDay) * dayMs) / this.#limits.mediaBytesPerDay)
    use.bytes = after
    return 0
  }

  /** Only so many of these bytes came. */
  giveBack(user: string, bytes: number, came: number): void {
    const use = this.#use(user)
    use.bytes = Math.max(0, use.bytes - Math.max(bytes, leastBytes) + Math.max(came, leastBytes))
  }

  #use(user: string): Use {
    const now = this.#clock.monotonic()
    if (this.#users.size >= this.#pruneAt) this.#prune(now)
    const use = this.#users.get(user) ?? { uploads: 0, downloads: 0, bytes: 0, at: now }
    this.#refill(use, now)
    this.#users.set(user, use)
    return use
  }

  #refill(use: Use, now: Millis): void {
    use.bytes = Math.max(0, use.bytes - ((now - use.at) * this.#limits.mediaBytesPerDay) / dayMs)
    use.at = now
  }

  #prune(now: Millis): void {
    for (const [user, use] of this.#users) {
      this.#refill(use, now)
      if (use.bytes === 0 && use.uploads === 0 && use.downloads === 0) this.#users.delete(user)
    }
    this.#pruneAt = Math.max(manyUsers, this.#users.size * 2)
  }
}
