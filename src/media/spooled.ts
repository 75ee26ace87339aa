/** A file that an upload is written to, until it is known to be what was announced. */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { headBytes, typeOf } from '../protocol/content-type.ts'
import type { MediaId } from '../protocol/media.ts'
import { full, isNoRoom } from '../store/lmdb/room.ts'
import { bytesOf, disk } from './content.ts'

export class SpooledFile {
  readonly path: string
  readonly #handle: FileHandle
  size: number

  /** Goes on with what is there. */
  static async open(path: string): Promise<SpooledFile> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const handle = await open(path, 'a+', 0o600)
    const { size } = await handle.stat()
    return new SpooledFile(path, handle, size)
  }

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path
    this.#handle = handle
    this.size = size
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await disk
        .run(() => this.#handle.write(bytes, at))
        .catch((error) => {
          throw isNoRoom(error) ? full(dirname(this.path), error) : error
        })
      at += bytesWritten
      this.size += bytesWritten
    }
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.size = 0
  }

  /** Durable when it resolves, but for the names of its folders. */
  async sync(): Promise<void> {
    await disk.run(() => this.#handle.datasync())
  }

  /** What is on the disk, not what came: an upload may have come in pieces, before and after a crash. */
  async look(): Promise<{ id: MediaId; type: string }> {
    const hash = createHash('sha256')
    const head = Buffer.alloc(headBytes)
    const { bytesRead } = await this.#handle.read(head, 0, headBytes, 0)
    for await (const chunk of bytesOf(this.#handle, 0, this.size - 1)) hash.update(chunk)
    return { id: hash.digest('hex') as MediaId, type: typeOf(head.subarray(0, bytesRead)) }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** The names in a folder are durable when it resolves. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  await folder.sync()
  await folder.close()
}

/** The size of a file that is not there. */
export function ifMissing(error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') return 0
  throw error
}
