import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { backUpFile, backUpStore, copyFiles } from '../store/lmdb/backup.ts'
import { Misuse } from './misuse.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = {
  data: { text: 'folder of the embedded store and of media', value: 'FOLDER', default: './data', env: 'BLUETICK_DATA' },
  to: {
    text: 'folder of the backup; it is made, or must be empty',
    value: 'FOLDER',
    default: '',
    env: 'BLUETICK_BACKUP_TO',
  },
} satisfies Record<string, Option>

const usage = `bluetick backup --to FOLDER [options]: copies the data of a node, also of one that runs. All that was sent before is in the copy.
Put it back with bluetick restore.`

export async function backup(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args)
  if (!read) return
  const { data, to } = read.values
  if (!existsSync(join(data, 'bluetick.mdb')))
    throw new Misuse(`${data} is not a Bluetick data folder; name another with --data`)
  if (!to) throw new Misuse('--to must name a folder for the backup')
  if (existsSync(to) && readdirSync(to).length > 0)
    throw new Misuse(`${to} is not empty; name another folder with --to`)
  const records = join(data, 'media', 'records.mdb')
  const files = () => copyFiles(join(data, 'media', 'files'), join(to, 'media', 'files'))
  // Files come before what names them, and once more after it: none that a message had when its copy was made is missing.
  await files()
  await backUpStore(data, to)
  if (existsSync(records)) await backUpFile(records, join(to, 'media', 'records.mdb'))
  const media = await files()
  console.log(`Backed up ${data} to ${to}: messages, and ${media.files} files of media (${media.bytes} bytes).`)
}
