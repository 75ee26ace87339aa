import { applySchema, checkSchema, type Replication } from '../store/cassandra/schema.ts'
import { clusterOptions, clusterTable } from './cassandra.ts'
import { Misuse } from './misuse.ts'
import { readOptions } from './options.ts'
import type { Option } from './values.ts'

export const table = {
  replication: {
    text: 'of a keyspace that is made: a number of replicas, or dc1:3,dc2:3',
    value: 'REPLICAS',
    default: '1',
    env: 'BLUETICK_REPLICATION',
  },
  ...clusterTable,
} satisfies Record<string, Option>

const usage = `bluetick schema apply [options]: makes the keyspace and the tables that are missing.
bluetick schema check [options]: says how a keyspace differs from schema.cql.`

export async function schema(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args, 1)
  if (!read) return
  const { values, rest } = read
  const options = await clusterOptions(values)
  const where = `The keyspace ${options.keyspace}`
  if (rest[0] === 'apply') {
    const listed = await applySchema(options, replicationOf(values.replication))
    if (listed > 0) console.log(`${where} has lists of ${listed} histories by user.`)
    return console.log(`${where} has the schema of this release.`)
  }
  if (rest[0] !== 'check') throw new Misuse('apply or check? bluetick schema apply')
  const differences = await checkSchema(options)
  if (differences.length === 0) return console.log(`${where} is as schema.cql says.`)
  const rows = [['table', 'what', 'expected', 'found']]
  for (const { table, what, expected, found } of differences) rows.push([table, what, expected, found])
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  throw new Error(`${where} differs from schema.cql in ${differences.length} places`)
}

function replicationOf(value: string): Replication {
  if (/^[1-9]\d*$/.test(value)) return Number(value)
  const pairs = value.split(',').map((pair) => /^(.+):([1-9]\d*)$/.exec(pair.trim()))
  if (pairs.some((pair) => !pair)) throw new Misuse(`--replication must be a number or "dc1:3,dc2:3", not "${value}"`)
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', Number(pair?.[2])]))
}
