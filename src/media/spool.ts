/** Uploads under way on this machine: a file each, named by whose it is and what was announced, so that it is found again. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Millis, UserId } from '../protocol/ids.ts'
import { StoreError } from '../store/error.ts'
import { lockFolder } from '../store/lock.ts'
import { ifMissing, SpooledFile } from './spooled.ts'

export class Spool {
  readonly #path: string
  readonly #resumeMs: Millis
  #unlock = () => {}

  constructor(path: string, resumeMs: Millis) {
    this.#path = path
    this.#resumeMs = resumeMs
  }

  async open(): Promise<void> {
    try {
      mkdirSync(join(this.#path, 'uploads'), { recursive: true, mode: 0o700 })
      this.#unlock = lockFolder(this.#path)
    } catch (cause) {
      if (cause instanceof StoreError) throw cause
      const text = `The folder for uploads, ${this.#path}, cannot be written (${(cause as Error).message}); choose another or change its owner.`
      throw new StoreError('not_writable', text, { cause })
    }
  }

  async close(): Promise<void> {
    this.#unlock()
    this.#unlock = () => {}
  }

  begin(user: UserId, key: string): Promise<SpooledFile> {
    return SpooledFile.open(this.#file(user, key))
  }

  /** Bytes of an upload that has not ended. */
  begun(user: UserId, key: string): Promise<number> {
    return stat(this.#file(user, key)).then(({ size }) => size, ifMissing)
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true })
  }

  async removeOf(user: UserId): Promise<void> {
    const folder = join(this.#path, 'uploads')
    for (const name of await readdir(folder)) if (name.startsWith(ofUser(user))) await this.remove(join(folder, name))
  }

  /** Removes those that nobody has gone on with; answers how many. */
  async collect(now: Millis): Promise<number> {
    const folder = join(this.#path, 'uploads')
    let removed = 0
    for (const name of await readdir(folder)) {
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: now }))
      if (mtimeMs > now - this.#resumeMs) continue
      await this.remove(join(folder, name))
      removed += 1
    }
    return removed
  }

  #file(user: UserId, key: string): string {
    return join(this.#path, 'uploads', `${ofUser(user)}${hashOf(`${user}\n${key}`)}`)
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
/** How the names of all files of a user begin. */
const ofUser = (user: UserId): string => `${hashOf(user)}-`
