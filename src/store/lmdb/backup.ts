/** Copies of what a node keeps in a data folder, also while it runs: as of one moment, and safe on the disk when they are said to be. */
import { constants, existsSync, mkdirSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { open as openEnvironment } from 'lmdb'
import { StoreError } from '../error.ts'
import { checkFile } from './check.ts'
import { closeFolder, openFolder } from './folder.ts'
import { folderOf, JournalFolder, pinFiles } from './journal/folder.ts'
import { type Mark, markOf } from './journal/marks.ts'
import { copyRecords, lastRecord } from './journal/read.ts'
import { Damages } from './table.ts'
import { fileOf, openTables } from './tables.ts'

/** A node that writes much may use a file of its journal again while it is copied: then all is copied anew. */
const rounds = 5

/**
 * Copies a store, of which another process may write the files, to one file of LMDB's in the folder `to`: what of the journal is not
 * in the tables is moved to them there. All that was durable before is in the copy.
 */
export async function backUpStore(data: string, to: string): Promise<void> {
  const part = join(to, 'part')
  for (let done = false, round = 1; !done; round++)
    done = await copyStore(data, part).then(
      () => true,
      (error) => {
        if (round === rounds || !(error instanceof StoreError && error.code === 'corrupt')) throw error
        return false
      },
    )
  await sync(fileOf(part))
  await rename(fileOf(part), fileOf(to))
  await rm(part, { recursive: true })
  await sync(to)
}

/**
 * Of the journal as much as was on the disk before, or as the tables know of: nothing in it relies on what they do not have, and
 * they have nothing that relies on more of it.
 */
async function copyStore(data: string, part: string): Promise<void> {
  await rm(part, { recursive: true, force: true })
  const pins = existsSync(folderOf(data)) ? pinFiles(data) : undefined
  try {
    const before = pins ? lastRecord(new JournalFolder(pins), data) : 0
    await backUpFile(fileOf(data), fileOf(part))
    const mark = await markIn(part)
    mkdirSync(folderOf(part))
    for (let number = mark?.oldest ?? 1; number <= (mark?.claimed ?? 0); number++) {
      const found = [pins, folderOf(data)].map((folder) => join(folder ?? '', `${number}`)).find(existsSync)
      if (found) copyRecords(found, join(folderOf(part), `${number}`), Math.max(before, mark?.durable ?? 0))
    }
  } finally {
    if (pins) await rm(pins, { recursive: true, force: true })
  }
  const opened = await openFolder(part, { broke: () => {}, damaged: () => {} })
  await opened.journal.settle().finally(() => closeFolder(opened))
}

async function markIn(folder: string): Promise<Mark | undefined> {
  const { root, ...tables } = openTables(folder, new Damages(folder, () => {}))
  const mark = markOf(tables)
  await root.close()
  return mark
}

/**
 * Copies a file of LMDB's as of one moment, without what it holds of removed rows: everything that was committed before is in the copy.
 * Another process may write the file meanwhile; while it is read, the pages that it frees are not used again.
 */
export async function backUpFile(file: string, to: string): Promise<void> {
  await makeFolder(dirname(to))
  const part = `${to}.part`
  const from = openEnvironment({ path: file, readOnly: true, maxDbs: 64, cache: false })
  try {
    await from.backup(part, true)
  } finally {
    await from.close()
  }
  await checkFile(part)
  await sync(part)
  await rename(part, to)
  await sync(dirname(to))
}

/** Copies the files of a folder, but for those that are there in the same size; answers how many there are, and their bytes. What leaves meanwhile is left out. */
export async function copyFiles(folder: string, to: string): Promise<{ files: number; bytes: number }> {
  const found = { files: 0, bytes: 0 }
  for (const name of existsSync(folder) ? await readdir(folder, { recursive: true }) : []) {
    const [from, there] = [await statOf(join(folder, name)), await statOf(join(to, name))]
    if (!from?.isFile()) continue
    found.files += 1
    found.bytes += from.size
    if (there?.size === from.size) continue
    await makeFolder(dirname(join(to, name)))
    await copyFile(join(folder, name), join(to, name), constants.COPYFILE_FICLONE).catch(unlessMissing)
    await sync(join(to, name)).catch(unlessMissing)
    await sync(dirname(join(to, name)))
  }
  return found
}

export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync().finally(() => handle.close())
}

/** As all of a data folder, for its owner only. */
const makeFolder = (path: string) => mkdir(path, { recursive: true, mode: 0o700 })
const statOf = (path: string) => stat(path).catch(unlessMissing)

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
