/** Copies of what a node keeps in a data folder, also while it runs: as of one moment, and safe on the disk when they are said to be. */
import { constants, existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { open as openEnvironment } from 'lmdb'
import { checkFile } from './check.ts'

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
