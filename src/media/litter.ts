/** Files that are in the bucket, though no row names them: an upload that a crash has cut off left them, or a removal. */
import type { Millis } from '../protocol/ids.ts'
import type { MediaRecords } from '../store/contract.ts'
import type { Bucket } from './buckets/bucket.ts'

/** An upload that takes longer, from when its file is noted until its row is written, does not count. */
export const putWithinMs: Millis = 1_800_000
/** A file that was seen here for so long, and that no row names, never will be named by one. Measured by this process: clocks of nodes may differ. */
const litterMs: Millis = 2 * putWithinMs

export class Litter {
  readonly #records: () => MediaRecords
  readonly #bucket: Bucket
  /** When each was seen first. */
  #seen = new Map<string, number>()

  constructor(records: () => MediaRecords, bucket: Bucket) {
    this.#records = records
    this.#bucket = bucket
  }

  /** Removes a file that no row names, and none will. */
  async remove(file: string): Promise<void> {
    await this.#bucket.remove(file)
    await this.#records().forgetLitter(file)
  }

  async sweep(): Promise<void> {
    const records = this.#records()
    const now = performance.now()
    const seen = new Map<string, number>()
    for (const { file, id } of await records.litter()) {
      const since = this.#seen.get(file) ?? now
      const row = now - since > litterMs ? await records.find(id) : null
      if (row === undefined || (row && row.file !== file)) await this.remove(file)
      else if (row?.going === null) await records.forgetLitter(file)
      else seen.set(file, since)
    }
    this.#seen = seen
  }
}
