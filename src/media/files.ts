/** The embedded media store: content in files, records in LMDB beside them; one process, durable. */
import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import { checkOptions, isAny, isText } from '../protocol/options.ts'
import type { StoreEvents } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'
import { checkFile } from '../store/lmdb/check.ts'
import { lockFolder } from '../store/lock.ts'
import { checkMs } from '../store/retention.ts'
import { bytesOf } from './content.ts'
import type { MediaStore, Medium, Upload } from './contract.ts'
import { type Kept, Records } from './records.ts'
import { ifMissing, SpooledFile, syncFolder } from './spooled.ts'

export type FileMediaOptions = {
  /** Milliseconds that a message keeps its media. Default 30 days. */
  readonly retentionMs: Millis
  /** Milliseconds after which an upload that broke off is removed. Default 1 day. */
  readonly resumeMs: Millis
}

/**
 * A media store in the folder `path`, which is made if need be and belongs to one process at a time. Throws for options that
 * cannot be.
 */
export function fileMedia(path: string, options: Partial<FileMediaOptions> = {}): MediaStore {
  if (!isText.fits(path)) throw new TypeError('fileMedia needs the path of a folder')
  checkOptions('fileMedia', options, { retentionMs: isAny, resumeMs: isAny })
  const { retentionMs = 30 * 86_400_000, resumeMs = 86_400_000 } = options
  checkMs({ retentionMs, resumeMs })
  return new FileMedia(path, { retentionMs, resumeMs })
}

class FileMedia implements MediaStore {
  readonly retentionMs: Millis
  readonly #path: string
  readonly #resumeMs: Millis
  #records: Records | undefined
  #unlock: (() => void) | undefined

  constructor(path: string, { retentionMs, resumeMs }: FileMediaOptions) {
    this.#path = path
    this.retentionMs = retentionMs
    this.#resumeMs = resumeMs
  }

  async open(events?: StoreEvents): Promise<void> {
    const unlock = this.#lock()
    try {
      await checkFile(join(this.#path, 'records.mdb'), join(this.#path, 'files'))
      this.#records = new Records(join(this.#path, 'records.mdb'), (error) => events?.broke(error))
    } catch (error) {
      unlock()
      throw error
    }
    this.#unlock = unlock
    await this.#sweep()
  }

  #lock(): () => void {
    try {
      mkdirSync(join(this.#path, 'files'), { recursive: true, mode: 0o700 })
      return lockFolder(this.#path)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      const text = `The media folder ${this.#path} cannot be written (${(cause as Error).message}); choose another or change its owner.`
      throw new StoreError('not_writable', text, { cause })
    }
  }

  async close(): Promise<void> {
    const records = this.#records
    this.#records = undefined
    await records?.close()
    this.#unlock?.()
    this.#unlock = undefined
  }

  get #open(): Records {
    if (!this.#records) throw new StoreError('closed', 'The media store is not open.')
    return this.#records
  }

  async find(id: MediaId): Promise<Medium | undefined> {
    return medium(id, this.#open.find(id))
  }

  async *read(id: MediaId, first: number, last: number): AsyncGenerator<Uint8Array> {
    const kept = this.#open.find(id)
    if (!kept) throw new StoreError('unavailable', `There is no content ${id}.`)
    if (last < first) return
    const handle = await open(this.#file(kept.file))
    try {
      yield* bytesOf(handle, first, last)
    } finally {
      await handle.close()
    }
  }

  async begin(user: UserId, announced: MediaId | null): Promise<Upload> {
    const records = this.#open
    const key = announced ?? randomUUID()
    const begun = records.begun(user, key)
    const file = begun ?? randomUUID()
    if (!begun) await records.begin(user, key, { file, at: Date.now() })
    const spooled = await SpooledFile.open(this.#file(file))
    return new FileUpload(records, { user, key, file }, announced, spooled, () => this.#sweep())
  }

  async begun(user: UserId, id: MediaId): Promise<number> {
    const file = this.#open.begun(user, id)
    return file === undefined ? 0 : stat(this.#file(file)).then(({ size }) => size, ifMissing)
  }

  async refer(id: MediaId, holders: readonly string[], until: Millis): Promise<Medium | undefined> {
    return medium(id, await this.#open.refer({ id, holders, until }))
  }

  async release(prefix: string, id?: MediaId): Promise<void> {
    await this.#open.release(prefix, id)
    await this.#sweep()
  }

  async *held(prefix: string) {
    for (const keys of this.#open.held(prefix)) for (const [holder, id] of keys) yield { holder, id: id as MediaId }
  }

  async abandon(user: UserId): Promise<void> {
    for (const { key, file } of this.#open.begunBy(user)) await this.#open.drop(user, key, file)
    await this.#sweep()
  }

  async collect(now: Millis): Promise<number> {
    const collected = await this.#open.collect(now, now - this.#resumeMs)
    await this.#sweep()
    return collected
  }

  /** Removes the files that the records call litter. */
  async #sweep(): Promise<void> {
    const files = this.#open.litter()
    for (const file of files) await rm(this.#file(file), { force: true })
    if (files.length > 0) await this.#open.removed(files)
  }

  #file(name: string): string {
    return join(this.#path, 'files', name.slice(0, 2), name)
  }
}

type Place = { readonly user: UserId; readonly key: string; readonly file: string }

class FileUpload implements Upload {
  readonly #records: Records
  readonly #place: Place
  readonly #announced: MediaId | null
  readonly #file: SpooledFile
  readonly #sweep: () => Promise<void>

  constructor(
    records: Records,
    place: Place,
    announced: MediaId | null,
    file: SpooledFile,
    sweep: () => Promise<void>,
  ) {
    this.#records = records
    this.#place = place
    this.#announced = announced
    this.#file = file
    this.#sweep = sweep
  }

  get size(): number {
    return this.#file.size
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#file.write(bytes)
  }

  restart(): Promise<void> {
    return this.#file.restart()
  }

  pause(): Promise<void> {
    return this.#file.close()
  }

  /** The file and its folders are synced before the record that makes it content is written. */
  async finish(holder: string, until: Millis): Promise<Medium | undefined> {
    await this.#file.sync()
    const { id, type } = await this.#file.look()
    await this.#file.close()
    if (this.#announced !== null && id !== this.#announced) {
      await this.#litter()
      return undefined
    }
    const folder = dirname(this.#file.path)
    for (const path of [folder, dirname(folder)]) await syncFolder(path)
    const { user, key, file } = this.#place
    const kept: Kept = { file, size: this.size, type, uploadedAt: Date.now() }
    const finished = await this.#records.finish(user, key, kept, { id, holders: [holder], until })
    await this.#sweep()
    return medium(id, finished)
  }

  async drop(): Promise<void> {
    await this.#file.close()
    await this.#litter()
  }

  async #litter(): Promise<void> {
    const { user, key, file } = this.#place
    await this.#records.drop(user, key, file)
    await this.#sweep()
  }
}

function medium(id: MediaId, kept: Kept | undefined): Medium | undefined {
  return kept && { id, size: kept.size, type: kept.type, uploadedAt: kept.uploadedAt }
}
