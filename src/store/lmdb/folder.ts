/** The data folder of an embedded store: whose it is, and what is open in it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StoreEvents } from '../contract.ts'
import { StoreError } from '../error.ts'
import { lockFolder } from '../lock.ts'
import { checkFile } from './check.ts'
import { Commits } from './commits.ts'
import { removeCopy } from './compact.ts'
import { folderOf, removePins } from './journal/folder.ts'
import { Marks } from './journal/marks.ts'
import { openOut } from './journal/out.ts'
import { Journal, type JournalOptions } from './journal.ts'
import { checkPlace, type TypeOf, typeOf } from './place.ts'
import type { WriteZeros } from './room.ts'
import { Damages } from './table.ts'
import { fileOf, openTables, type Tables } from './tables.ts'

/** Of the rows that this release writes, and the earliest that it reads: data of others are refused. */
const [version, earliest] = [8, 7]

/** What is open while the store is. */
export type Opened = {
  readonly tables: Tables
  readonly commits: Commits<Tables>
  readonly journal: Journal
  readonly unlock: () => void
}

/** How files of the journal are written; how room is made in that of the tables; and what kind of file system a folder is on. */
type Disk = JournalOptions & { readonly typeOf: TypeOf; readonly room?: WriteZeros }

/** Opens the folder `path`, which is made if need be. */
export async function openFolder(path: string, events: StoreEvents, disk: Partial<Disk> = {}): Promise<Opened> {
  const unlock = lock(path, disk.typeOf ?? typeOf)
  try {
    removeCopy(fileOf(path))
    removePins(path)
    await checkFile(fileOf(path), join(path, 'media', 'records.mdb'), folderOf(path))
    return await openLocked(path, events, { open: openOut, threaded: false, ...disk }, unlock)
  } catch (error) {
    unlock()
    throw error
  }
}

type Out = JournalOptions & Pick<Disk, 'room'>

async function openLocked(path: string, events: StoreEvents, out: Out, unlock: () => void): Promise<Opened> {
  const tables = openTables(path, new Damages(path, events.damaged))
  try {
    await checkVersion(tables, path)
    const marks = new Marks(tables)
    const commits = new Commits<Tables>(tables, fileOf(path), events.broke, marks.each, out.room)
    const journal = new Journal(path, tables, commits, marks, out)
    return { tables, commits, journal, unlock }
  } catch (error) {
    await tables.root.close()
    throw error
  }
}

async function checkVersion({ versions }: Tables, path: string): Promise<void> {
  const found = versions.get('version')
  if (found !== undefined && (found < earliest || found > version)) {
    const text = `The data in ${path} is of version ${found}, and this release reads versions ${earliest} to ${version}. Use the release that wrote it, or move the folder away to begin anew.`
    throw new StoreError('version', text)
  }
  if (found !== version) await versions.put('version', version)
}

function lock(path: string, typeOf: TypeOf): () => void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    checkPlace(path, typeOf(path))
    return lockFolder(path)
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    const text = `The data folder ${path} cannot be written (${(cause as Error).message}); choose another or change its owner.`
    throw new StoreError('not_writable', text, { cause })
  }
}

/** Finishes what is under way. */
export async function closeFolder({ journal, commits, unlock }: Opened): Promise<void> {
  await journal.close()
  await commits.close()
  unlock()
}
