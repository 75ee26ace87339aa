import { cassandraStore } from '../store/cassandra.ts'
import { copyStore } from '../store/copy.ts'
import { lmdbStore } from '../store/lmdb.ts'
import { clusterOptions, clusterTable } from './cassandra.ts'
import { readOptions } from './options.ts'
import { most, type Option } from './values.ts'

export const table = {
  data: { text: 'folder of the embedded store', value: 'FOLDER', default: './data', env: 'BLUETICK_DATA' },
  'retention-days': {
    text: 'days that an entry stays in an inbox',
    default: '30',
    env: 'BLUETICK_RETENTION_DAYS',
    whole: [1, most],
  },
  ...clusterTable,
} satisfies Record<string, Option>

const usage = `bluetick copy [options]: copies the embedded store of a node that is stopped into a keyspace that has the schema.
The folder stays as it is. Clients then go on where they were, on a node that serves the keyspace.`

export async function copy(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args)
  if (!read) return
  const { values } = read
  const retentionMs = Number(values['retention-days']) * 86_400_000
  const from = lmdbStore(values.data, { retentionMs })
  const to = cassandraStore(await clusterOptions(values), { retentionMs })
  await from.open()
  try {
    await to.open()
    const { users, entries } = await copyStore(from, to, ({ users }) => console.log(`${users} users ...`))
    console.log(`Copied ${users} users and ${entries} entries from ${values.data} to the keyspace ${values.keyspace}.`)
  } finally {
    await to.close()
    await from.close()
  }
}
