/**
 * Writes a file of LMDB's anew, row by row, so that nothing is left of rows that were removed or changed: LMDB itself puts
 * their pages on a list and overwrites them some day, and a copy of its pages may carry bytes of rows that grew shorter.
 * The copy takes the file's place in one step once it is on the disk: a crash at any line leaves the one or the other, whole.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { StoreError } from '../error.ts'
import { checkFile } from './check.ts'
import { bytesUsed } from './pages.ts'
import { Room } from './room.ts'

/** Bytes of the file, before and after. */
export type Compacted = { readonly before: number; readonly after: number }

/** Bytes that are copied in one transaction, about, and what a row counts beside its value. */
const sliceBytes = 4 * 1024 * 1024
const rowBytes = 100

type Raw = Database<Buffer, Buffer>

/** What a compaction that was killed has left of the copy of a file. */
export function removeCopy(file: string): void {
  for (const left of [copyOf(file), `${copyOf(file)}-lock`]) rmSync(left, { force: true })
}

const copyOf = (file: string): string => `${file}.copy`

/** Nobody has the file open, and nobody opens it meanwhile: the lock of its folder sees to that. */
export async function compactFile(file: string): Promise<Compacted> {
  await checkFile(file)
  const before = statSync(file).size
  removeCopy(file)
  try {
    await copyTables(file, copyOf(file))
    renameSync(copyOf(file), file)
  } catch (cause) {
    throw failure(file, cause)
  } finally {
    removeCopy(file)
  }
  sync(dirname(file))
  return { before, after: statSync(file).size }
}

function failure(file: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  return new StoreError('unavailable', `Copying ${file} failed: ${String(cause)}. Nothing was changed.`, { cause })
}

async function copyTables(file: string, copy: string): Promise<void> {
  const options = { maxDbs: 64, cache: false, overlappingSync: false, eventTurnBatching: false } as const
  const from = open({ ...options, path: file, readOnly: true })
  const to = open({ ...options, path: copy })
  const room = new Room({ root: to }, copy, dirname(file))
  try {
    // All at once: a table that is opened ends the reading of names.
    const names = [...from.getKeys({})] as string[]
    const tables = names.map((name) => table(from, name))
    const bytes = bytesUsed(tables) + sliceBytes
    checkRoom(file, bytes)
    const full = await room.make(bytes)
    if (full) throw full
    for (const [at, name] of names.entries()) copyTable(tables[at] as Raw, table(to, name), name)
  } finally {
    room.ended()
    room.close(true)
    await from.close()
    await to.close()
  }
}

/** Before LMDB finds the disk full, which ends badly (room.ts). */
function checkRoom(file: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(file))
  if (bavail * bsize >= bytes) return
  const text = `The disk is full: a copy of ${file} takes ${Math.ceil(bytes / 1024 / 1024)} MB. Nothing was changed.`
  throw new StoreError('full', text)
}

const table = (root: RootDatabase, name: string): Raw =>
  root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })

function copyTable(from: Raw, to: Raw, name: string): void {
  let last: Buffer | undefined
  do last = to.transactionSync(() => copyRows(from, to, last))
  while (last)
  const [there, here] = [from, to].map((table) => (table.getStats() as { entryCount: number }).entryCount)
  if (there !== here)
    throw new StoreError(
      'corrupt',
      `Of ${there} rows in the table ${name}, ${here} could be copied; nothing was changed.`,
    )
}

/** Copies rows behind `last`, as many as go into one transaction; answers the key of the last one, where there are more. */
function copyRows(from: Raw, to: Raw, last: Buffer | undefined): Buffer | undefined {
  let bytes = 0
  for (const { key, value } of from.getRange(last ? { start: last, exclusiveStart: true } : {})) {
    // At the end, which leaves no page half full.
    to.putSync(key, value, { append: true })
    bytes += value.length + rowBytes
    if (bytes > sliceBytes) return Buffer.from(key)
  }
  return undefined
}

/** So that a folder and what it names are on the disk together. */
function sync(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
