/** The embedded media store: content in files, records in LMDB beside them; one process, durable. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Millis, UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import { checkOptions, isAny, isText } from '../protocol/options.ts'
import type { StoreEvents } from '../store/contract.ts'
import { StoreError } from '../store/error.ts'
import { checkFile } from '../store/lmdb/check.ts'
import { full, isNoRoom } from '../store/lmdb/room.ts'
import { lockFolder } from '../store/lock.ts'
import { checkMs } from '../store/retention.ts'
import { bytesOf, disk } from './content.ts'
import type { MediaStore, Medium, Upload } from './contract.ts'
import { type Kept, Records } from './records.ts'
import { headBytes, typeOf } from './types.ts'

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
    const path = this.#file(file)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const handle = await open(path, 'a+', 0o600)
    const { size } = await handle.stat()
    return new FileUpload(records, { user, key, file }, announced, path, handle, size, () => this.#sweep())
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
  readonly #path: string
  readonly #handle: FileHandle
  readonly #sweep: () => Promise<void>
  size: number

  constructor(
    records: Records,
    place: Place,
    announced: MediaId | null,
    path: string,
    handle: FileHandle,
    size: number,
    sweep: () => Promise<void>,
  ) {
    this.#records = records
    this.#place = place
    this.#announced = announced
    this.#path = path
    this.#handle = handle
    this.#sweep = sweep
    this.size = size
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await disk
        .run(() => this.#handle.write(bytes, at))
        .catch((error) => {
          throw isNoRoom(error) ? full(dirname(this.#path), error) : error
        })
      at += bytesWritten
      this.size += bytesWritten
    }
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.size = 0
  }

  async pause(): Promise<void> {
    await this.#handle.close()
  }

  /** The file and its folders are synced before the record that makes it content is written. */
  async finish(holder: string, until: Millis): Promise<Medium | undefined> {
    await disk.run(() => this.#handle.datasync())
    const { id, type } = await this.#look()
    await this.#handle.close()
    if (this.#announced !== null && id !== this.#announced) {
      await this.#litter()
      return undefined
    }
    for (const folder of [dirname(this.#path), dirname(dirname(this.#path))]) await syncFolder(folder)
    const { user, key, file } = this.#place
    const kept: Kept = { file, size: this.size, type, uploadedAt: Date.now() }
    const finished = await this.#records.finish(user, key, kept, { id, holders: [holder], until })
    await this.#sweep()
    return medium(id, finished)
  }

  async drop(): Promise<void> {
    await this.#handle.close()
    await this.#litter()
  }

  async #litter(): Promise<void> {
    const { user, key, file } = this.#place
    await this.#records.drop(user, key, file)
    await this.#sweep()
  }

  /** What is on the disk, not what came: an upload may have come in pieces, before and after a crash. */
  async #look(): Promise<{ id: MediaId; type: string }> {
    const hash = createHash('sha256')
    const head = Buffer.alloc(headBytes)
    const { bytesRead } = await this.#handle.read(head, 0, headBytes, 0)
    for await (const chunk of bytesOf(this.#handle, 0, this.size - 1)) hash.update(chunk)
    return { id: hash.digest('hex') as MediaId, type: typeOf(head.subarray(0, bytesRead)) }
  }
}

function medium(id: MediaId, kept: Kept | undefined): Medium | undefined {
  return kept && { id, size: kept.size, type: kept.type, uploadedAt: kept.uploadedAt }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}

function ifMissing(error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') return 0
  throw error
}
