/** Storage for Node: a journal, one line a batch, synced before a write resolves. */
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { lockFile } from '../file-lock.ts'
import { readBytes, writeBytes } from '../protocol/json.ts'
import { isText } from '../protocol/options.ts'
import { systemClock } from './clock.ts'
import { BluetickError, StorageError, UsageError } from './errors.ts'
import type { Storage } from './storage.ts'

const header = JSON.stringify(['bluetick client storage', 1])
/** The journal is rewritten when it has grown to twice what was in it after the last time, and by this many bytes. */
const slack = 1024 * 1024
/** And by the first write after so many milliseconds: what was removed or replaced does not stay in it. */
const longestMs = 86_400_000
/** Entries in one line of a rewritten journal. */
const perLine = 500

/**
 * Keeps in the file `path`, for one process at a time; the folder is made when it is missing. A line that a crash tore is as
 * if never written. The file stays below about twice what is kept and 1 MB. What was removed or replaced is in it until it is rewritten: when it is
 * loaded, when it has grown so far, and with the first write after a day.
 */
export function fileStorage(path: string): Storage {
  if (!isText.fits(path)) throw new UsageError('bad_option', 'fileStorage needs the path of a file')
  let file: FileHandle | undefined
  let unlock: (() => void) | undefined
  let size = 0
  let limit = 0
  let rewrittenAt = 0

  async function rewrite(kept: ReadonlyMap<string, unknown>): Promise<void> {
    const next = await open(`${path}.new`, 'w', 0o600)
    try {
      size = await fill(next, kept)
      await next.sync()
      await rename(`${path}.new`, path)
    } catch (error) {
      await next.close()
      throw error
    }
    await file?.close()
    file = next
    limit = size * 2 + slack
    rewrittenAt = systemClock.monotonic()
    await syncFolder(dirname(path))
  }

  return {
    place: `file:${resolve(path)}`,
    async load() {
      return explained(path, async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        unlock = lock(path)
        const kept = await readJournal(path)
        await rewrite(kept)
        return kept
      })
    },
    async write(changes) {
      return explained(path, async () => {
        if (!file) throw new Error('it is not open')
        const text = `${encode(changes)}\n`
        await file.appendFile(text)
        await file.datasync()
        size += Buffer.byteLength(text)
        const isOld = systemClock.monotonic() - rewrittenAt >= longestMs
        if (size > limit || isOld) await rewrite(await readJournal(path))
      })
    },
    async close() {
      await file?.close()
      file = undefined
      unlock?.()
      unlock = undefined
    },
  }
}

function lock(path: string): () => void {
  const lock = lockFile(`${path}.lock`)
  if (lock.held) return lock.release
  throw new StorageError(
    'storage_in_use',
    `the storage ${path} is in use by ${lock.by}; close it there or choose another`,
  )
}

async function explained<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof BluetickError) throw error
    throw new StorageError('storage_failed', `the storage ${path} cannot be used: ${(error as Error).message}`, error)
  }
}

async function fill(file: FileHandle, kept: ReadonlyMap<string, unknown>): Promise<number> {
  let size = 0
  const put = async (line: string) => {
    await file.appendFile(`${line}\n`)
    size += Buffer.byteLength(line) + 1
  }
  await put(header)
  const entries = [...kept]
  for (let at = 0; at < entries.length; at += perLine) await put(encode(entries.slice(at, at + perLine)))
  return size
}

async function readJournal(path: string): Promise<Map<string, unknown>> {
  const kept = new Map<string, unknown>()
  let number = 0
  let torn = false
  for await (const line of lines(path)) {
    // Only the last line may be torn: each was synced before the next was written.
    if (torn || (number === 0 && line !== header))
      throw new StorageError(
        'storage_damaged',
        `${path} is not the storage of a client, or is damaged at line ${number}`,
      )
    const changes = number === 0 ? [] : decode(line)
    torn = changes === undefined
    for (const [key, value] of changes ?? []) value === null ? kept.delete(key) : kept.set(key, value)
    number += 1
  }
  return kept
}

/** The complete lines of a file, none where there is no file. */
async function* lines(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = []
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString()
        rest = []
        from = end + 1
      }
      rest.push(chunk.subarray(from))
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

const encode = (changes: Iterable<readonly [string, unknown]>): string =>
  JSON.stringify(
    [...changes].map(([key, value]) => [key, value ?? null]),
    writeBytes,
  )

function decode(line: string): [string, unknown][] | undefined {
  try {
    return JSON.parse(line, (_key, value) => readBytes(value))
  } catch {
    return undefined
  }
}

/** Makes a rename durable. Windows cannot, and need not. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
