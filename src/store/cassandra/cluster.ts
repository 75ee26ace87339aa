/** What the nodes of a cluster agree on: rows that are changed by lightweight transaction, and by nothing else. */
import { type ClusterStore, type LifeRow, type MemberRow, partOf, type ShardMove, type ShardRow } from '../contract.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { long, number } from './rows.ts'
import { takeTerm } from './terms.ts'

/** A day: a node that has not renewed for so long is not waited for. */
const lifeTtl = 86_400
const lifeQuery = 'SELECT state, beat FROM lives WHERE life = ?'
const lifeBegin = `UPDATE lives USING TTL ${lifeTtl} SET state = 'up', beat = ? WHERE life = ? IF state = null AND beat = null`
const lifeRenew = `UPDATE lives USING TTL ${lifeTtl} SET state = 'up', beat = ? WHERE life = ? IF state = 'up' AND beat < ?`
const lifeMark = `UPDATE lives USING TTL ${lifeTtl} SET state = 'dead' WHERE life = ? IF state = 'up'`
const aloneQuery = "SELECT value FROM settings WHERE name = 'alone'"
const aloneInsert = "INSERT INTO settings (name, value) VALUES ('alone', ?)"
const membersQuery = 'SELECT changes, life, name, state, dc, link, proto FROM members WHERE shelf = 0'
const viewUpdate = 'UPDATE members SET changes = ? WHERE shelf = 0 IF changes = ?'
const memberInsert = 'INSERT INTO members (shelf, life, name, state, dc, link, proto) VALUES (0, ?, ?, ?, ?, ?, ?)'
const memberDelete = 'DELETE FROM members WHERE shelf = 0 AND life = ?'
const countInsert = "INSERT INTO settings (name, value) VALUES ('shards', ?) IF NOT EXISTS"
const shardInsert = 'INSERT INTO shards (part, shard, owner, term) VALUES (?, ?, 0, ?) IF NOT EXISTS'
const shardsQuery = 'SELECT shard, owner, term FROM shards WHERE part = ?'
const shardUpdate = 'UPDATE shards SET owner = ?, term = ? WHERE part = ? AND shard = ? IF owner = ? AND term = ?'

/** `requests` are those of the cluster alone: a renewal must not wait its turn behind messages. */
export function clusterRows(requests: Requests): ClusterStore {
  /** Known once they are made. */
  let parts = 0
  return {
    async makeShards(count) {
      const found = await requests.compare(countInsert, [long(count)])
      const shards = found ? number(found['value']) : count
      parts = partOf(shards - 1) + 1
      if ((await readShards(requests, parts)).length < shards) await fill(requests, shards)
      return shards
    },

    async lives(lives) {
      const rows = await Promise.all(lives.map((life) => requests.rows(lifeQuery, [long(life)])))
      const found = lives.map((life, n) => [life, lifeOf(rows[n]?.[0])] as const)
      return new Map(found.filter((one): one is [number, LifeRow] => one[1] !== undefined))
    },

    async renew(life, beat, first, timeoutMs) {
      const [query, params] = first
        ? [lifeBegin, [long(beat), long(life)]]
        : [lifeRenew, [long(beat), long(life), long(beat)]]
      const found = await requests.compare(query, params, timeoutMs)
      return found ? lifeOf(found) : { state: 'up', beat }
    },

    async mark(life, beat) {
      const found =
        beat === null
          ? await requests.compare(lifeMark, [long(life)])
          : await requests.compare(`${lifeMark} AND beat = ?`, [long(life), long(beat)])
      return found ? lifeOf(found) : { state: 'dead', beat: beat ?? 0 }
    },

    alone: async () => number((await requests.rows(aloneQuery, []))[0]?.['value']),
    beAlone: (life) => requests.write([{ query: aloneInsert, params: [long(life)] }], requests.stamps.ordered()),

    async members() {
      const rows = await requests.rows(membersQuery, [])
      // With no members there is one row, of the number of the list alone.
      const members = rows.filter((row) => row['life'] !== null)
      return { view: number(rows[0]?.['changes']), rows: members.map(memberOf) }
    },

    async change(view, join, leave) {
      const next = { query: viewUpdate, params: [long(view + 1), view === 0 ? null : long(view)] }
      const gone = leave.map((life) => ({ query: memberDelete, params: [long(life)] }))
      return !(await requests.compareAll([next, ...gone, ...(join ? [joined(join)] : [])]))
    },

    shards: () => readShards(requests, parts),

    async move(moves) {
      const found = await requests.compareAll(moves.map(moved))
      return found ? found.map(shardOf) : moves.map(({ to }) => to)
    },
  }
}

async function readShards(requests: Requests, parts: number): Promise<ShardRow[]> {
  const rows = await Promise.all(Array.from({ length: parts }, (_, part) => requests.rows(shardsQuery, [part])))
  return rows.flat().map(shardOf)
}

/** The rows of each part are made at once, so one that is there has them all. Their term is above all that nodes without a cluster had. */
async function fill(requests: Requests, shards: number): Promise<void> {
  const term = await takeTerm(requests)
  const parts = new Map<number, Statement[]>()
  for (let shard = 0; shard < shards; shard++) {
    const part = partOf(shard)
    const insert = { query: shardInsert, params: [part, shard, long(term)] }
    parts.set(part, [...(parts.get(part) ?? []), insert])
  }
  for (const inserts of parts.values()) await requests.compareAll(inserts)
}

const lifeOf = (row: Row | undefined): LifeRow | undefined =>
  row?.['state'] ? { state: row['state'], beat: number(row['beat']) } : undefined

const memberOf = (row: Row): MemberRow => {
  const { name, state, dc, link, proto } = row as unknown as MemberRow
  return { life: number(row['life']), name, state, dc, link, proto }
}

const joined = ({ life, name, state, dc, link, proto }: MemberRow): Statement => ({
  query: memberInsert,
  params: [long(life), name, state, dc, link, proto],
})

const shardOf = (row: Row): ShardRow => ({
  shard: row['shard'],
  owner: number(row['owner']),
  term: number(row['term']),
})

const moved = ({ from, to }: ShardMove): Statement => ({
  query: shardUpdate,
  params: [long(to.owner), long(to.term), partOf(to.shard), to.shard, long(from.owner), long(from.term)],
})
