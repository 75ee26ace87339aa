import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { copyFiles, sync } from '../store/lmdb/backup.ts'
import { type LmdbStore, lmdbStore } from '../store/lmdb.ts'
import { lockFolder } from '../store/lock.ts'
import { Misuse } from './misuse.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = {
  from: { text: 'folder of the backup', value: 'FOLDER', default: '', env: 'BLUETICK_RESTORE_FROM' },
  data: { text: 'folder for the data, without any yet', value: 'FOLDER', default: './data', env: 'BLUETICK_DATA' },
} satisfies Record<string, Option>

const usage = `bluetick restore --from FOLDER [options]: makes a data folder of a backup, and gives each log another epoch, so that every client is told
that something may be missing. The backup stays as it is. Killed at any time, it has put back all messages or none: then call it again.`

export async function restore(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args)
  if (!read) return
  const { from, data } = read.values
  if (!from || !existsSync(join(from, 'bluetick.mdb')))
    throw new Misuse(from ? `${from} is not a backup of Bluetick` : '--from must name the folder of a backup')
  if (existsSync(join(data, 'bluetick.mdb')))
    throw new Misuse(`${data} has data already; move it away, or name another folder with --data`)
  await mkdir(data, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(data)
  try {
    await copyFiles(join(from, 'media'), join(data, 'media'))
    const users = await putBack(from, data)
    console.log(`Restored ${from} to ${data}: ${users} users and groups, whose logs have new epochs.`)
  } finally {
    unlock()
  }
}

/** The file gets its place last: until then there are no messages. */
async function putBack(from: string, data: string): Promise<number> {
  const part = join(data, 'restored')
  await rm(part, { recursive: true, force: true })
  await mkdir(part, { mode: 0o700 })
  await copyFile(join(from, 'bluetick.mdb'), join(part, 'bluetick.mdb'))
  // Of a folder that was copied while its node was stopped.
  await copyFiles(join(from, 'journal'), join(part, 'journal'))
  const store = lmdbStore(part)
  await store.open()
  const users = await renamed(store).finally(() => store.close())
  await sync(join(part, 'bluetick.mdb'))
  await rename(join(part, 'bluetick.mdb'), join(data, 'bluetick.mdb'))
  await rm(part, { recursive: true })
  await sync(data)
  return users
}

/** All is in one file then. */
async function renamed(store: LmdbStore): Promise<number> {
  const users = await store.renameAll()
  await store.settle()
  return users
}
