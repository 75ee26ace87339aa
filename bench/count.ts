/** Counts what the node asks a store to write, and when copies of group messages are durable. */
import type { Entry } from '../src/protocol/entry.ts'
import type { Store } from '../src/store/contract.ts'
import { Histogram } from './histogram.ts'
import { now, stamp } from './stamp.ts'

/** How often a store was written to. */
export type Writes = { readonly appends: number; readonly entries: number; readonly saves: number }
/** Copies that are durable with their member, and how long after they were due. */
export type Copies = { readonly durable: number; readonly buckets: readonly number[] }

const patienceMs = 60_000

/** Counts from here on, in the store itself: one around it would take CPU for each call. */
export function countWrites(store: Store) {
  const writes = { appends: 0, entries: 0, saves: 0 }
  let durable = 0
  let copiesMs = new Histogram()
  let waiting: { copies: number; then: () => void } | undefined
  const landed = (entries: readonly Entry[]) => {
    for (const entry of entries) {
      if (entry.is !== 'message' || !entry.place || typeof entry.body === 'string') continue
      const { buffer, byteOffset } = entry.body
      durable += 1
      copiesMs.record(now() - new DataView(buffer, byteOffset).getFloat64(stamp.due))
    }
    if (waiting && durable >= waiting.copies) waiting.then()
  }
  const count = (entries: readonly Entry[]) => {
    writes.appends += 1
    writes.entries += entries.length
  }
  const { laps } = store
  const [append, saveCursors, saveLastSeen] = [
    store.append.bind(store),
    store.saveCursors.bind(store),
    store.saveLastSeen.bind(store),
  ]
  const counting: Pick<Store, 'append' | 'laps' | 'saveCursors' | 'saveLastSeen'> = {
    append(user, epoch, term, entries) {
      count(entries)
      const written = append(user, epoch, term, entries)
      written.then(() => landed(entries)).catch(() => {})
      return written
    },
    ...(laps && {
      laps: {
        append(user, epoch, term, entries, done) {
          count(entries)
          laps.append(user, epoch, term, entries, (failure) => {
            if (failure === undefined) landed(entries)
            done(failure)
          })
        },
        begin: () => laps.begin(),
      },
    }),
    saveCursors(user, epoch, cursors, settled, reads) {
      writes.saves += 1
      return saveCursors(user, epoch, cursors, settled, reads)
    },
    saveLastSeen(seen) {
      writes.saves += 1
      return saveLastSeen(seen)
    },
  }
  Object.assign(store, counting)
  return {
    counts: () => ({ writes, copies: { durable, buckets: copiesMs.buckets } }),
    /** Resolves when so many copies are durable, of those since the start. */
    durable: (copies: number) =>
      new Promise<void>((resolve, reject) => {
        if (durable >= copies) return resolve()
        const error = new Error(`copies are not durable after ${patienceMs / 1_000} s`)
        const late = setTimeout(reject, patienceMs, error)
        const then = () => {
          clearTimeout(late)
          resolve()
        }
        waiting = { copies, then }
      }),
    /** Forgets how long copies took. */
    reset: () => {
      copiesMs = new Histogram()
    },
  }
}
