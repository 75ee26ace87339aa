/** Records of media: rows of content by lightweight transaction, and who holds it, by content and by holder. */
import type { types } from 'cassandra-driver'
import type { Millis } from '../../protocol/ids.ts'
import type { MediaId } from '../../protocol/media.ts'
import { shardOf } from '../../runtime/index.ts'
import { type MediaRecords, type MediaRow, placeOf } from '../contract.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { long, number } from './rows.ts'
import { longestTtl, secondsLeft } from './ttl.ts'

const columns = 'id, file, size, type, uploaded, going'
const findQuery = `SELECT ${columns} FROM media WHERE id = ?`
const pageQuery = `SELECT ${columns} FROM media`
const rowInsert = `INSERT INTO media (${columns}) VALUES (?, ?, ?, ?, ?, null) IF NOT EXISTS`
const rowMark = 'UPDATE media SET going = ? WHERE id = ? IF file = ? AND going = ?'
const rowDelete = 'DELETE FROM media WHERE id = ? IF file = ? AND going = ?'
const heldQuery = 'SELECT until FROM media_held WHERE id = ? LIMIT 1'
const heldInsert = 'INSERT INTO media_held (id, until, holder, at) VALUES (?, ?, ?, ?) USING TTL ?'
const heldDelete = 'DELETE FROM media_held WHERE id = ? AND until = ? AND holder = ?'
const holderColumns = 'SELECT holder, id, until, WRITETIME(at) AS written FROM media_holders WHERE shelf = ?'
const holderQuery = `${holderColumns} AND holder >= ? AND holder < ?`
const holderInsert = 'INSERT INTO media_holders (shelf, holder, id, until, at) VALUES (?, ?, ?, ?, ?) USING TTL ?'
const holderDelete = 'DELETE FROM media_holders WHERE shelf = ? AND holder = ? AND id = ? AND until = ?'
const litterQuery = 'SELECT file, id FROM media_litter WHERE shelf = 0 LIMIT 500'
const litterInsert = 'INSERT INTO media_litter (shelf, file, id) VALUES (0, ?, ?)'
const litterDelete = 'DELETE FROM media_litter WHERE shelf = 0 AND file = ?'

/** Partitions of holders. */
const shelves = 1_024
/** Rows that are read, or released, together. */
const slice = 200
/** Sorts after every holder. */
const last = '\u{10ffff}'
/** A row fades so long after what it says is over: until then whoever looks decides by the time that it says. */
const graceMs = 86_400_000

type Hold = { readonly holder: string; readonly id: MediaId; readonly until: types.Long; readonly written: types.Long }

/** `offMs`: how far the clock of this machine is ahead. */
export function mediaRecords(requests: Requests, offMs: () => Millis): MediaRecords {
  const ttlOf = (until: Millis): number => {
    const seconds = Math.max(secondsLeft(until + offMs(), graceMs), graceMs / 1000)
    // What is held for longer than a row can be is so until it is released.
    return seconds < longestTtl ? seconds : 0
  }

  async function* holds(prefix: string): AsyncGenerator<readonly [shelf: number, rows: readonly Hold[]]> {
    const place = placeOf(prefix)
    const looked = place === undefined ? Array.from({ length: shelves }, (_, n) => n) : [shardOf(place, shelves)]
    for (const shelf of looked)
      for (let from: string | undefined, first = true; first || from !== undefined; first = false) {
        const page = await requests.page(holderQuery, [shelf, prefix, prefix + last], slice, from)
        if (page.rows.length > 0) yield [shelf, page.rows as unknown as Hold[]]
        from = page.next
      }
  }

  /** Each goes by the time of its own write: what is written anew meanwhile stays, whatever the clocks say. */
  async function drop(shelf: number, { holder, id, until, written }: Hold): Promise<void> {
    await requests.write([{ query: heldDelete, params: [id, until, holder] }], written)
    await requests.write([{ query: holderDelete, params: [shelf, holder, id, until] }], written)
  }

  return {
    find: async (id) => rowOf((await requests.rows(findQuery, [id]))[0]),
    add: async ({ id, file, size, type, uploadedAt }) =>
      !(await requests.compare(rowInsert, [id, file, long(size), type, long(uploadedAt)])),
    mark: async ({ id, file, going }, mark) => !(await requests.compare(rowMark, [mark, id, file, going])),
    remove: async ({ id, file, going }) => !(await requests.compare(rowDelete, [id, file, going])),
    async page(from) {
      const { rows, next } = await requests.page(pageQuery, [], 500, from)
      return { rows: rows.map((row) => rowOf(row) as MediaRow), next }
    },

    async hold(id, holders, until) {
      const [ends, ttl, stamp] = [long(until), ttlOf(until), requests.stamps.timed()]
      const at = new Date(stamp.toNumber() / 1000)
      const placed = (holder: string): Statement => {
        const shelf = shardOf(placeOf(holder) ?? holder, shelves)
        return { query: holderInsert, params: [shelf, holder, id, ends, at, ttl] }
      }
      // What holds by its content is found by its holder: else it could not be released.
      await Promise.all(holders.map((holder) => requests.write([placed(holder)], stamp)))
      const held = holders.map((holder) => ({ query: heldInsert, params: [id, ends, holder, at, ttl] }))
      await requests.write(held, stamp)
    },
    heldUntil: async (id) => number((await requests.rows(heldQuery, [id]))[0]?.['until']),
    async *held(prefix) {
      for await (const [, rows] of holds(prefix)) for (const { holder, id } of rows) yield { holder, id }
    },
    async *release(prefix, only, still) {
      for await (const [shelf, rows] of holds(prefix)) {
        const released = rows.filter(({ id }) => only === undefined || id === only)
        await still()
        await Promise.all(released.map((hold) => drop(shelf, hold)))
        yield released.map(({ id }) => id)
      }
    },

    noteLitter: (file, id) => requests.write([{ query: litterInsert, params: [file, id] }]),
    forgetLitter: (file) => requests.write([{ query: litterDelete, params: [file] }]),
    litter: async () => (await requests.rows(litterQuery, [])) as unknown as { file: string; id: MediaId }[],
  }
}

const rowOf = (row: Row | undefined): MediaRow | undefined =>
  row && {
    id: row['id'],
    file: row['file'],
    size: number(row['size']),
    type: row['type'],
    uploadedAt: number(row['uploaded']),
    going: row['going'],
  }
