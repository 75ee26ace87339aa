/** Storage for Node: a journal, one line a batch, synced before a write resolves. A torn last line is as if never written. */
import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises'
import { readBytes, writeBytes } from '../protocol/json.ts'
import type { Storage } from './storage.ts'

/** Keeps in the file `path`, for one process at a time. The journal is rewritten at each start. */
export function fileStorage(path: string): Storage {
  let file: FileHandle | undefined
  let writing = Promise.resolve()
  return {
    async load() {
      const kept = new Map<string, unknown>()
      for (const line of (await readFile(path, 'utf8').catch(ifMissing)).split('\n')) {
        for (const [key, value] of parse(line)) value === null ? kept.delete(key) : kept.set(key, value)
      }
      await writeFile(`${path}.new`, line(kept), { mode: 0o600, flush: true })
      await rename(`${path}.new`, path)
      file = await open(path, 'a')
      return kept
    },
    write(changes) {
      const written = writing.then(async () => {
        await file?.write(line(changes))
        await file?.datasync()
      })
      writing = written.catch(() => undefined)
      return written
    },
    async close() {
      await writing
      await file?.close()
      file = undefined
    },
  }
}

function ifMissing(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

const line = (changes: ReadonlyMap<string, unknown>): string =>
  `${JSON.stringify(
    [...changes].map(([key, value]) => [key, value ?? null]),
    writeBytes,
  )}\n`

function parse(text: string): [string, unknown][] {
  try {
    return JSON.parse(text, (_key, value) => readBytes(value))
  } catch {
    return []
  }
}
