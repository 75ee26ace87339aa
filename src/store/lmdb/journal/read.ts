/** What a former process has left in the files of a journal: all of it that counts, or what is wrong. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { StoreError } from '../../error.ts'
import type { JournalFolder } from './folder.ts'
import { type Head, headOf, isRecordAbove, type JournalRecord, pageBytes, recordBytes, recordOf } from './format.ts'
import type { Mark } from './marks.ts'

/** What is wrong with a journal. */
class Damage extends Error {}

/** `last`: the number of its last record. */
export type Live = { readonly number: number; last: number }
/** `records`: those that are not in the tables, in order. `last`: the number of the last record of all. */
export type Found = {
  readonly records: readonly JournalRecord[]
  readonly last: number
  readonly files: readonly Live[]
}

/** The number of the last record in these files, which a node may write meanwhile. Throws a StoreError where one is damaged. */
export function lastRecord(folder: JournalFolder, data: string): number {
  return inWords(data, () => {
    const files = folder.numbers().map((number) => readFile(folder.path(number), number))
    return Math.max(0, ...files.map(({ records }) => records.at(-1)?.number ?? 0))
  })
}

/** Copies the head of a file and its records up to a number, and nothing of what was there before. */
export function copyRecords(from: string, to: string, upTo: number): void {
  const file = readFileSync(from)
  const head = headOf(file)
  const records = head ? recordsOf(file, head).records.filter(({ number }) => number <= upTo) : []
  const end = records.reduce((end, { payload }) => end + recordBytes(payload.length), pageBytes)
  writeFileSync(to, file.subarray(0, end), { mode: 0o600 })
  if (head) truncateSync(to, head.size)
}

/** Reads the files, which `mark` must know. Throws a StoreError where a record that was answered may be missing. Writes nothing. */
export function readJournal(folder: JournalFolder, mark: Mark, data: string): Found {
  return inWords(data, () => {
    for (const number of folder.numbers()) if (number > mark.claimed) checkEmpty(folder.path(number))
    const numbers = Array.from({ length: mark.claimed + 1 - mark.oldest }, (_, n) => mark.oldest + n)
    return joined(
      numbers.map((number) => fileOf(folder.path(number), number, mark)),
      mark,
    )
  })
}

function inWords<Result>(data: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof Damage)) throw cause
    const text = `The journal of ${data} is damaged: ${cause.message}. Nothing was changed. Move ${data} away and put a backup in its place: bluetick restore --from BACKUP --data ${data}`
    throw new StoreError('corrupt', text, { cause })
  }
}

/** A crash leaves a file that LMDB does not know yet, but none with records. */
function checkEmpty(path: string): void {
  const file = readFileSync(path)
  const head = headOf(file)
  if (head && recordOf(file, pageBytes, head.salt))
    throw new Damage(`bluetick.mdb does not know ${path}: it is another's, or was put back from an earlier moment`)
}

type File = { readonly store: number; readonly number: number; readonly records: readonly JournalRecord[] }

function fileOf(path: string, number: number, { store }: Mark): File {
  const file = readFile(path, number)
  if (file.store !== store) throw new Damage(`${path} belongs to another store`)
  return file
}

function readFile(path: string, number: number): File {
  const file = bytesOf(path)
  const head = headOf(file)
  if (!head || head.number !== number) throw new Damage(`the head of ${path} is not what was written`)
  if (file.length < head.size) throw new Damage(`${path} has ${file.length} of ${head.size} bytes`)
  const { records, end } = recordsOf(file, head)
  checkRest(path, file, head, end, records.at(-1)?.number)
  return { store: head.store, number, records }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Damage(`${path} is missing`)
  }
}

/** The records up to the first that is not whole, which begins at `end`. */
function recordsOf(file: Buffer, { salt }: Head): { readonly records: readonly JournalRecord[]; readonly end: number } {
  const records: JournalRecord[] = []
  let end = pageBytes
  for (let record = recordOf(file, end, salt); record; record = recordOf(file, end, salt)) {
    if (record.number !== (records.at(-1)?.number ?? record.number - 1) + 1) break
    records.push(record)
    end += recordBytes(record.payload.length)
  }
  return { records, end }
}

/** A record is written when the one before it is on the disk: only the last may be torn, and nobody was answered that one. */
function checkRest(path: string, file: Buffer, { salt }: Head, end: number, last = 0): void {
  // The torn one may have its first page. Which number the first of a file has, nobody can tell.
  const torn = last === 0 ? Number.POSITIVE_INFINITY : last + 1
  for (let at = end; at < file.length; at += pageBytes)
    if (isRecordAbove(file, at, salt, at === end ? torn : last))
      throw new Damage(`${path} has no record at byte ${end}, and has one behind it, at byte ${at}`)
}

/** A record that was not answered, since its file failed, has its number again in the next file: it does not count. */
function joined(files: readonly File[], { applied, durable, commits }: Mark): Found {
  const records: JournalRecord[] = []
  const live: Live[] = []
  let last = 0
  for (const [at, { number, records: all }] of files.entries()) {
    const next = files.slice(at + 1).find(({ records }) => records.length > 0)?.records[0]?.number
    for (const record of all) {
      if (next !== undefined && record.number >= next) break
      const [from, to] = last === 0 ? [1, applied + 1] : [last + 1, last + 1]
      if (record.number < from || record.number > to) throw new Damage(`record ${to} is missing`)
      if (record.commits > commits) throw new Damage('bluetick.mdb was put back from an earlier moment')
      last = record.number
      if (record.number > applied) records.push(record)
    }
    live.push({ number, last })
  }
  last = Math.max(last, applied)
  if (last < durable) throw new Damage(`it ends at record ${last}, and had ${durable}`)
  return { records, last, files: live }
}
