/**
 * Media that nodes of a cluster share: bytes in a bucket, records in their store. An upload is written to a folder of the machine that takes
 * it first, and put into the bucket when it is complete. What may be removed, and when, is in src/store/contract/media.ts.
 */
import { randomUUID } from 'node:crypto'
import type { Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import { checkOptions, isAny, isObjectWith, isText } from '../protocol/options.ts'
import type { MediaRecordStore, MediaRecords, MediaRow } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'
import { checkMs } from '../store/retention.ts'
import type { Bucket } from './buckets/bucket.ts'
import type { MediaStore, Medium, Upload } from './contract.ts'
import { Litter, putWithinMs } from './litter.ts'
import { Spool } from './spool.ts'
import type { SpooledFile } from './spooled.ts'

/** How many files a bucket is asked for that it must have. Single ones may be on their way out. */
const sampled = 5

export type SharedMediaOptions = {
  /** The store of the node: its records are beside the messages. */
  readonly store: MediaRecordStore
  /** Where the bytes are: `folderBucket(path)` or `s3Bucket(options)`. */
  readonly bucket: Bucket
  /** A folder of this machine and of this node alone, for uploads that are under way. */
  readonly spool: string
  /** Milliseconds that a message keeps its media. Default 30 days. */
  readonly retentionMs?: Millis
  /** Milliseconds after which an upload that broke off is removed. Default 1 day. */
  readonly resumeMs?: Millis
}

/** A media store for several nodes on one Cassandra. Throws for options that cannot be. */
export function sharedMedia(options: SharedMediaOptions): MediaStore {
  checkOptions(
    'sharedMedia',
    options,
    {
      store: isObjectWith('the store of the node'),
      bucket: isObjectWith('folderBucket(path) or s3Bucket(options)', 'put', 'read', 'remove'),
      spool: isText,
      retentionMs: isAny,
      resumeMs: isAny,
    },
    ['store', 'bucket', 'spool'],
  )
  const { store, bucket, spool, retentionMs = 30 * 86_400_000, resumeMs = 86_400_000 } = options
  checkMs({ retentionMs, resumeMs })
  return new SharedMedia(store, bucket, new Spool(spool, resumeMs), retentionMs)
}

/** Who releases what is nobody else's. */
const always = (): Promise<void> | undefined => undefined

class SharedMedia implements MediaStore {
  readonly isShared = true
  readonly retentionMs: Millis
  readonly #store: MediaRecordStore
  readonly #bucket: Bucket
  readonly #spool: Spool
  readonly #litter: Litter
  /** Where the look at what is held by nobody goes on. */
  #from: string | undefined

  constructor(store: MediaRecordStore, bucket: Bucket, spool: Spool, retentionMs: Millis) {
    this.#store = store
    this.#bucket = bucket
    this.#spool = spool
    this.#litter = new Litter(() => this.#records, bucket)
    this.retentionMs = retentionMs
  }

  get #records(): MediaRecords {
    const { media } = this.#store
    if (!media)
      throw new StoreError('closed', 'sharedMedia needs a store that keeps its records: cassandraStore(options)')
    return media
  }

  async open(): Promise<void> {
    // Says that there are none before anything is made.
    void this.#records
    await this.#spool.open()
    try {
      const { rows } = await this.#records.page(undefined)
      const known = rows.filter(({ going }) => going === null).slice(0, sampled)
      await this.#bucket.open(known.map(({ file }) => file))
    } catch (error) {
      await this.#spool.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#spool.close()
  }

  async find(id: MediaId): Promise<Medium | undefined> {
    return medium(await this.#records.find(id))
  }

  async *read(id: MediaId, first: number, last: number): AsyncGenerator<Uint8Array> {
    const row = await this.#records.find(id)
    if (!row) throw new StoreError('unavailable', `There is no content ${id}.`)
    const end = Math.min(last, row.size - 1)
    if (end >= first) yield* this.#bucket.read(row.file, first, end)
  }

  async begin(user: UserId, announced: MediaId | null): Promise<Upload> {
    const file = await this.#spool.begin(user, announced ?? randomUUID())
    const drop = async () => {
      await file.close()
      await this.#spool.remove(file.path)
    }
    return {
      get size() {
        return file.size
      },
      write: (bytes) => file.write(bytes),
      restart: () => file.restart(),
      pause: () => file.close(),
      drop,
      finish: async (holder, until) => {
        try {
          const { id, type } = await file.look()
          const isRight = announced === null || id === announced
          return isRight ? await this.#keep(file, id, type, holder, until) : undefined
        } finally {
          await drop()
        }
      },
    }
  }

  begun(user: UserId, id: MediaId): Promise<number> {
    return this.#spool.begun(user, id)
  }

  /** Another upload of the same content may end at the same time, and what is there may be going. */
  async #keep(file: SpooledFile, id: MediaId, type: string, holder: string, until: Millis): Promise<Medium> {
    await this.#records.hold(id, [holder], until)
    for (;;) {
      const known = await this.#staying(id)
      if (known) return medium(known) as Medium
      const row = await this.#put(file, id, type)
      if (row) return medium(row) as Medium
    }
  }

  /** Undefined: another upload was faster. */
  async #put({ path, size }: SpooledFile, id: MediaId, type: string): Promise<MediaRow | undefined> {
    const file = `${id.slice(0, 2)}/${id}-${randomUUID()}`
    const row: MediaRow = { id, file, size, type, uploadedAt: Date.now(), going: null }
    const began = [performance.now(), Date.now()] as const
    await this.#records.noteLitter(file, id)
    await this.#bucket.put(file, path, id)
    const isAdded = await this.#records.add(row)
    if (!isAdded) await this.#litter.remove(file)
    // A machine that sleeps stops the one clock, and whoever sets the time the other.
    else if (Math.max(performance.now() - began[0], Date.now() - began[1]) > putWithinMs) {
      await this.#records.remove(row)
      throw new StoreError('unavailable', `It took too long to put ${id} where media is kept.`)
    } else await this.#records.forgetLitter(file)
    return isAdded ? row : undefined
  }

  /** What is there, and stays, since somebody has said before that they hold it. */
  async #staying(id: MediaId): Promise<MediaRow | undefined> {
    for (;;) {
      const row = await this.#records.find(id)
      if (!row || row.going === null || (await this.#records.mark(row, null))) return row
    }
  }

  async refer(id: MediaId, holders: readonly string[], until: Millis): Promise<Medium | undefined> {
    const records = this.#records
    if (!(await records.find(id))) return undefined
    await records.hold(id, holders, until)
    const row = await this.#staying(id)
    if (row) return medium(row)
    for (const holder of holders) for await (const _ of records.release(holder, id, always));
    return undefined
  }

  async release(prefix: string, id?: MediaId, still = always): Promise<void> {
    const records = this.#records
    for await (const released of records.release(prefix, id, still))
      for (const id of new Set(released)) await this.#look(await records.find(id), 0)
  }

  held(prefix: string) {
    return this.#records.held(prefix)
  }

  /** Removes content that nobody holds any more at `now`. */
  async #look(row: MediaRow | undefined, now: Millis): Promise<boolean> {
    const records = this.#records
    if (!row || (await records.heldUntil(row.id)) > now) return false
    const going = randomUUID()
    await records.noteLitter(row.file, row.id)
    if (!(await records.mark(row, going))) return false
    const marked = { ...row, going }
    if ((await records.heldUntil(row.id)) > now) {
      await records.mark(marked, null)
      return false
    }
    if (!(await records.remove(marked))) return false
    await this.#litter.remove(row.file)
    return true
  }

  abandon(user: UserId): Promise<void> {
    return this.#spool.removeOf(user)
  }

  async collect(now: Millis, onlyHere = false): Promise<number> {
    return (onlyHere ? 0 : await this.#collect(now)) + (await this.#spool.collect(now))
  }

  async #collect(now: Millis): Promise<number> {
    const { rows, next } = await this.#records.page(this.#from)
    let removed = 0
    for (const row of rows) if (await this.#look(row, now)) removed += 1
    this.#from = next
    await this.#litter.sweep()
    return removed
  }
}

const medium = (row: MediaRow | undefined): Medium | undefined =>
  row && { id: row.id, size: row.size, type: row.type, uploadedAt: row.uploadedAt }
