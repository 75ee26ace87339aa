/** The tables, as schema.cql names them: applying them, and comparing a keyspace with them. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Client } from 'cassandra-driver'
import { StoreError } from '../error.ts'
import { type CassandraOptions, connectTo } from './connection.ts'
import { listHistories } from './listing.ts'

/**
 * Rises by one with each change of schema.cql that adds to it, by two where it does more: nodes of a release run on its own schema and on the
 * next one, so that those of two releases run together while nodes are upgraded one by one.
 */
export const schemaVersion = 10

export type Difference = {
  readonly table: string
  readonly what: string
  readonly expected: string
  readonly found: string
}
type Table = { readonly name: string; readonly create: string; readonly facts: ReadonlyMap<string, string> }
/** Replicas of the keyspace: a number, or a number for each datacenter. */
export type Replication = number | Readonly<Record<string, number>>

async function tables(): Promise<Table[]> {
  const root = dirname(createRequire(import.meta.url).resolve('bluetick/package.json'))
  const text = (await readFile(join(root, 'schema.cql'), 'utf8')).replace(/^\s*--.*$/gm, '')
  const statements = text.split(';').map((statement) => statement.trim())
  return statements.filter((statement) => statement !== '').map(parse)
}

/** What a CREATE TABLE says: a type for each column, the primary key, and each option. */
function parse(create: string): Table {
  const [, name = '', body = '', options = ''] = /^CREATE TABLE (\w+) \((.*)\n\)(?: WITH (.*))?$/s.exec(create) ?? []
  const facts = new Map<string, string>()
  for (const line of body.split(/,\n/)) {
    const definition = line.trim()
    const key = /^PRIMARY KEY \((.*)\)$/.exec(definition)?.[1]
    const column = /^(\w+) (.*?)( PRIMARY KEY)?$/.exec(definition)
    if (key !== undefined) facts.set('primary key', key)
    else if (column) {
      facts.set(`column ${column[1]}`, column[2] ?? '')
      if (column[3]) facts.set('primary key', column[1] ?? '')
    }
  }
  for (const option of options.split(/\s+AND\s+/)) {
    const order = /^CLUSTERING ORDER BY \((.*)\)$/.exec(option)
    const [, key = '', value = ''] = /^(\w+) = (.*)$/s.exec(option) ?? []
    if (order) facts.set('clustering order', order[1] ?? '')
    else if (key === 'compaction') facts.set(key, sorted(JSON.parse(value.replaceAll("'", '"'))))
    else if (key) facts.set(key, value.replaceAll("'", ''))
  }
  return { name, create, facts }
}

/** Milliseconds for a change of the schema: a busy cluster takes many times what it takes to read. */
const changeMs = 60_000

/** Milliseconds between looks at what the hosts have. */
const agreeingMs = 100

/** Changes the schema. Resolves when all hosts that are up have the change: what follows may go to any of them. */
async function change(client: Client, query: string): Promise<void> {
  await client.execute(query)
  const until = performance.now() + changeMs
  while (!(await isAgreed(client))) {
    if (performance.now() > until)
      throw new StoreError(
        'unavailable',
        'The hosts of the cluster do not agree on its schema; try again when all are well.',
      )
    await new Promise((resolve) => setTimeout(resolve, agreeingMs))
  }
}

/**
 * Each host is asked for its own version. The driver asks one what all have, and that one may have heard of the change of another as
 * little as the rest: then they agree on what was before.
 */
async function isAgreed(client: Client): Promise<boolean> {
  const up = client.hosts.values().filter((host) => host.isUp())
  const asked = up.map((host) => client.execute('SELECT schema_version FROM system.local', [], { host }))
  const answers = await Promise.allSettled(asked)
  const versions = answers.map(
    (answer) => answer.status === 'fulfilled' && String(answer.value.rows[0]?.['schema_version']),
  )
  return !versions.includes(false) && new Set(versions).size === 1
}

/**
 * Makes the keyspace, and the tables and columns that are missing; what is there stays. Rejects where a later release has made the schema.
 * Answers how many histories were listed.
 */
export async function applySchema(options: CassandraOptions, replication: Replication): Promise<number> {
  const patient = { ...options, timeoutMs: Math.max(changeMs, options.timeoutMs ?? 0) }
  const client = await connectTo(patient, null)
  try {
    const found = await versionOf(client, options.keyspace)
    if (found !== undefined && found > schemaVersion) throw otherVersion(options, found)
    const strategy =
      typeof replication === 'number'
        ? { class: 'SimpleStrategy', replication_factor: String(replication) }
        : { class: 'NetworkTopologyStrategy', ...replication }
    const map = JSON.stringify(strategy).replaceAll('"', "'")
    await change(client, `CREATE KEYSPACE IF NOT EXISTS ${quoted(options.keyspace)} WITH replication = ${map}`)
    for (const table of await tables()) await complete(client, options.keyspace, table)
    await client.execute(
      `UPDATE ${quoted(options.keyspace)}.settings SET value = ${schemaVersion} WHERE name = 'version'`,
    )
  } finally {
    await client.shutdown()
  }
  const inside = await connectTo(patient, options.keyspace)
  return listHistories(inside).finally(() => inside.shutdown())
}

async function complete(client: Client, keyspace: string, { name, create, facts }: Table): Promise<void> {
  const found = await factsOf(client, keyspace, name)
  if (!found) {
    await change(client, create.replace('CREATE TABLE ', `CREATE TABLE IF NOT EXISTS ${quoted(keyspace)}.`))
    return
  }
  for (const [what, type] of facts) {
    const column = /^column (.*)$/.exec(what)?.[1]
    if (column !== undefined && !found.has(what))
      await change(client, `ALTER TABLE ${quoted(keyspace)}.${name} ADD ${column} ${type}`)
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** How the keyspace differs from schema.cql; empty where it does not. */
export async function checkSchema(options: CassandraOptions): Promise<Difference[]> {
  const client = await connectTo(options, null)
  try {
    const differences: Difference[] = []
    for (const table of await tables()) {
      const found = await factsOf(client, options.keyspace, table.name)
      if (!found) differences.push({ table: table.name, what: 'table', expected: 'there', found: 'missing' })
      else differences.push(...compare(table, found))
    }
    return differences
  } finally {
    await client.shutdown()
  }
}

function compare({ name, facts }: Table, found: ReadonlyMap<string, string>): Difference[] {
  const different = [...facts].filter(([what, expected]) => found.get(what) !== expected)
  const extra = [...found].filter(([what]) => what.startsWith('column ') && !facts.has(what))
  return [
    ...different.map(([what, expected]) => ({ table: name, what, expected, found: found.get(what) ?? 'missing' })),
    ...extra.map(([what, value]) => ({ table: name, what, expected: 'none', found: value })),
  ]
}

async function factsOf(client: Client, keyspace: string, table: string): Promise<Map<string, string> | undefined> {
  const of = async (name: string) =>
    (
      await client.execute(`SELECT * FROM system_schema.${name} WHERE keyspace_name = ? AND table_name = ?`, [
        keyspace,
        table,
      ])
    ).rows
  const [options] = await of('tables')
  if (!options) return undefined
  const columns = (await of('columns')).sort((a, b) => a['position'] - b['position'])
  const facts = new Map<string, string>()
  for (const { column_name, type, kind } of columns as unknown as Record<string, string>[])
    facts.set(`column ${column_name}`, kind === 'static' ? `${type} static` : String(type))
  const names = (kind: string) => columns.filter((column) => column['kind'] === kind)
  const partition = names('partition_key').map((column) => column['column_name'])
  const clustering = names('clustering')
  const start = partition.length > 1 ? `(${partition.join(', ')})` : partition.join('')
  facts.set('primary key', [start, ...clustering.map((column) => column['column_name'])].join(', '))
  const order = clustering.map((column) => `${column['column_name']} ${column['clustering_order'].toUpperCase()}`)
  facts.set('clustering order', order.join(', '))
  const { max_threshold: _, min_threshold: __, ...compaction } = options['compaction']
  facts.set('compaction', sorted({ ...compaction, class: compaction.class.split('.').at(-1) }))
  for (const name of ['gc_grace_seconds', 'speculative_retry']) facts.set(name, String(options[name]))
  return facts
}

const sorted = (map: Readonly<Record<string, string>>): string =>
  Object.entries(map)
    .map(([key, value]) => `${key}: ${value}`)
    .sort()
    .join(', ')

/** A driver on the keyspace, which has the schema of this release, or of the next. Rejects with one sentence that says what to do. */
export async function connectToSchema(options: CassandraOptions): Promise<Client> {
  const client = await connectTo(options, null)
  const found = await versionOf(client, options.keyspace).finally(() => client.shutdown())
  if (found === schemaVersion || found === schemaVersion + 1) return connectTo(options, options.keyspace)
  throw otherVersion(options, found)
}

function otherVersion({ keyspace, contactPoints }: CassandraOptions, found: number | undefined): StoreError {
  const where = `The keyspace ${keyspace} at ${contactPoints.join(', ')}`
  if (found === undefined)
    return new StoreError('version', `${where} has no Bluetick schema; make it with: bluetick schema apply.`)
  const remedy = found > schemaVersion ? '' : '; bring it up to date with: bluetick schema apply'
  const versions = `has the schema of version ${found}, and this release uses version ${schemaVersion}`
  return new StoreError('version', `${where} ${versions}${remedy}.`)
}

async function versionOf(client: Client, keyspace: string): Promise<number | undefined> {
  if (!(await factsOf(client, keyspace, 'settings'))) return undefined
  const query = `SELECT value FROM ${quoted(keyspace)}.settings WHERE name = 'version'`
  return (await client.execute(query)).first()?.['value']?.toNumber()
}
