import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Compacted, compactFile } from '../store/lmdb/compact.ts'
import { lmdbStore } from '../store/lmdb.ts'
import { lockFolder } from '../store/lock.ts'
import { Misuse } from './misuse.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = {
  data: { text: 'folder of the embedded store and of media', value: 'FOLDER', default: './data', env: 'BLUETICK_DATA' },
} satisfies Record<string, Option>

const usage = `bluetick compact [options]: writes the embedded store of a node that is stopped anew, so that nothing is left in its files
of what was deleted or has expired. It needs as much room as the data that remain; killed at any time, it has changed nothing or all.`

export async function compact(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args)
  if (!read) return
  const { data } = read.values
  if (!existsSync(join(data, 'bluetick.mdb')))
    throw new Misuse(`${data} is not a Bluetick data folder; name another with --data`)
  const store = lmdbStore(data)
  await store.open()
  const said = [`messages ${inWords(await store.compact())}`]
  const media = join(data, 'media')
  if (existsSync(join(media, 'records.mdb'))) {
    const unlock = lockFolder(media)
    try {
      said.push(`records of media ${inWords(await compactFile(join(media, 'records.mdb')))}`)
    } finally {
      unlock()
    }
  }
  console.log(`Compacted ${data}: ${said.join(', ')}.`)
}

const inWords = ({ before, after }: Compacted): string => `${megabytes(before)} -> ${megabytes(after)}`
const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`
