/**
 * Group commit to the files of the journal: one record at a time, and what is appended while it is written goes into the next. After a
 * write that failed its file is dead, for what it has is not known: the system may say of pages that it could not write that they are.
 */
import type { Durations } from '../../../runtime/index.ts'
import { type Append, packAppends } from '../rows.ts'
import type { Claimed } from './folder.ts'
import { packRecord, recordBytes } from './format.ts'
import type { Marks } from './marks.ts'
import { aligned, Sheet } from './out.ts'
import type { Pace } from './pace.ts'

/** Bytes of entries in one record, about: it is packed and written in one piece. */
const mostBytes = 1024 * 1024
const firstSheet = 64 * 1024

/** Called once: undefined: it is durable; else why it may not be. */
export type Done = (failure: unknown) => void
type Batch = { readonly appends: Append[]; readonly done: Done[]; bytes: number }
type Packed = { readonly news: readonly Append[]; readonly payload: Uint8Array; readonly bytes: number }

/** Where records go. */
type Files = {
  /** The one with room for so many bytes, where it is open; it is made otherwise. */
  ready(bytes: number): Claimed | undefined
  file(bytes: number): Promise<Claimed>
  /** It is written to no more. Answers what to say of the error. */
  failed(file: Claimed, cause: unknown): Error
}
/** What is written, and what follows from it. */
type Kept = {
  /** Throws where nothing may be written any more. */
  check(): void
  /** Whether so many bytes of entries will find room in the tables. */
  hasRoom(bytes: number): boolean
  /** Rejects where there is none for them. */
  makeRoom(bytes: number): Promise<void>
  /** What of these is not there yet. */
  news(appends: readonly Append[]): Append[]
  keep(appends: readonly Append[]): void
}

export class Writer {
  readonly #files: Files
  readonly #kept: Kept
  readonly #marks: Marks
  readonly #pace: Pace
  readonly #syncs: Durations
  readonly #batches: Batch[] = []
  /** Threads write. */
  #running: Promise<void> | undefined
  #waiting = 0
  #sheet = new Sheet(firstSheet)

  /** `syncs`: is told how long each write took. */
  constructor(files: Files, kept: Kept, marks: Marks, pace: Pace, syncs: Durations) {
    this.#files = files
    this.#kept = kept
    this.#marks = marks
    this.#pace = pace
    this.#syncs = syncs
  }

  /** Bytes of entries that wait to be written. */
  get waiting(): number {
    return this.#waiting
  }

  /** Is written when `begin` is called, or with what comes after what is under way. */
  add(append: Append, bytes: number, done: Done): void {
    let batch = this.#batches.at(-1)
    if (!batch || batch.bytes + bytes > mostBytes) {
      batch = { appends: [], done: [], bytes: 0 }
      this.#batches.push(batch)
    }
    batch.appends.push(append)
    batch.done.push(done)
    batch.bytes += bytes
    this.#waiting += bytes
  }

  /** Writes what waits: here, where that is fast, and otherwise on threads. What comes of it waits for the next call. */
  begin(): void {
    for (let count = this.#batches.length; count > 0 && !this.#running; count--)
      if (!this.#writeHere()) this.#running = this.#run()
  }

  /** Resolves when nothing waits to be written. */
  async idle(): Promise<void> {
    while (this.#batches.length > 0 || this.#running) {
      this.begin()
      await this.#running
    }
  }

  /** False: threads are to write it. */
  #writeHere(): boolean {
    const [batch] = this.#batches
    if (!batch || !this.#pace.isHere(batch.bytes) || !this.#kept.hasRoom(batch.bytes)) return false
    let failure: unknown
    try {
      const packed = this.#pack(batch.appends)
      const file = packed && this.#files.ready(packed.bytes)
      if (packed && !file) return false
      if (packed && file) this.#writeNow(file, packed)
    } catch (error) {
      failure = error
    }
    this.#batches.shift()
    this.#end(batch, failure)
    return true
  }

  #writeNow(file: Claimed, packed: Packed): void {
    try {
      const record = this.#seal(file, packed)
      this.#syncs.add(this.#pace.time(() => file.out.writeNow(record, file.end)))
    } catch (cause) {
      throw this.#files.failed(file, cause)
    }
    this.#landed(file, packed)
  }

  async #run(): Promise<void> {
    for (let batch = this.#batches.shift(); batch; batch = this.#batches.shift()) {
      const failure = await this.#write(batch).then(
        () => undefined,
        (error) => error,
      )
      this.#end(batch, failure)
    }
    this.#running = undefined
  }

  async #write({ appends, bytes }: Batch): Promise<void> {
    if (!this.#kept.hasRoom(bytes)) await this.#kept.makeRoom(bytes)
    const packed = this.#pack(appends)
    if (!packed) return
    const file = this.#files.ready(packed.bytes) ?? (await this.#files.file(packed.bytes))
    try {
      const from = performance.now()
      await file.out.write(this.#seal(file, packed), file.end)
      this.#syncs.add(performance.now() - from)
    } catch (cause) {
      throw this.#files.failed(file, cause)
    }
    this.#landed(file, packed)
  }

  /** Undefined: all of it is there already. */
  #pack(appends: readonly Append[]): Packed | undefined {
    this.#kept.check()
    const news = this.#kept.news(appends)
    if (news.length === 0) return undefined
    const payload = packAppends(news)
    return { news, payload, bytes: recordBytes(payload.length) }
  }

  /** One sheet for all records but the largest: it is not touched while it is written. */
  #seal(file: Claimed, { payload, bytes }: Packed): Buffer {
    if (bytes > this.#sheet.length && bytes <= 2 * mostBytes) this.#sheet = new Sheet(2 * bytes)
    const record = bytes > this.#sheet.length ? aligned(bytes) : this.#sheet.start(bytes)
    packRecord(record, file.salt, { number: this.#marks.durable + 1, commits: this.#marks.now.commits, payload })
    return record
  }

  #landed(file: Claimed, { news, bytes }: Packed): void {
    this.#marks.durable += 1
    file.end += bytes
    file.last = this.#marks.durable
    this.#kept.keep(news)
  }

  #end(batch: Batch, failure: unknown): void {
    this.#waiting -= batch.bytes
    for (const done of batch.done) done(failure)
  }
}
