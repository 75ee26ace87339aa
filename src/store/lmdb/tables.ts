/** The tables of the embedded store, all in one file of one environment. */
import { type Database, open, type RootDatabase } from 'lmdb'
import type { Millis, Seq } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { GroupRecord, Lease } from '../contract.ts'
import type { Cursors, CursorsRow } from './rows.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
export const hourOf = (time: Millis): number => Math.floor(time / hourMs)
export const dayOf = (time: Millis): number => Math.floor(time / dayMs)

/** They sort after every seq and every id: for the end of a range. */
export const lastSeq = Number.MAX_SAFE_INTEGER
export const lastId = '\u{10ffff}'

/** `lives`: term and first seq of each life, one after the other. `was`: the epoch before it was renamed. */
type Log = { epoch: number; tail: Seq; lastTime: Millis; head: Seq; lives?: readonly number[]; was?: number }

export type Tables = {
  readonly root: RootDatabase
  /** number of the row -> appends that were committed together (rows.ts) and are not in the tables below */
  readonly journal: Database<Uint8Array, number>
  /** [user, seq of the first] -> entries that follow each other, of one day (rows.ts) */
  readonly entries: Database<Uint8Array, [string, number]>
  readonly logs: Database<Log, string>
  /** By name as version 3 wrote them. */
  readonly cursors: Database<CursorsRow | Cursors, string>
  /** [hour, user, seq of the first] -> messages that were appended in that hour (rows.ts). By hour, so that expiry is one range. */
  readonly repeats: Database<Uint8Array, [number, string, number]>
  /** [day, user]: the inbox got entries on that day */
  readonly days: Database<true, [number, string]>
  readonly seen: Database<number, string>
  readonly preferences: Database<Settings, string>
  /** Users who may not connect. */
  readonly bans: Database<true, string>
  /** Of the store itself. */
  readonly settings: Database<number, string>
  readonly groups: Database<GroupRecord, string>
  /** [term, group] -> 1 */
  readonly noted: Database<number, [number, string]>
  readonly leases: Database<Lease, string>
  /** how a node called itself -> its term */
  readonly lives: Database<number, number>
  /** [user, what it waits for, chat where it waits to be read, seq]: a timer that has not started */
  readonly timers: Database<true, [string, string, string, number]>
  /** [expires, user, seq]: a timer that runs */
  readonly due: Database<true, [number, string, number]>
  /** [user, chat, seq] -> a row of one entry */
  readonly history: Database<Uint8Array, [string, string, number]>
}

export const fileOf = (folder: string): string => `${folder}/bluetick.mdb`

/**
 * Bytes of addresses for the file, which may outgrow them. lmdb starts with 128 KB, doubles, and keeps each smaller map with
 * the pages that were looked at through it: 19,000 idle users took 125 bytes more each. Windows would make the file as large.
 */
const mapSize = 16 * 1024 ** 3

export function openTables(path: string): Tables {
  const root = open({
    path: fileOf(path),
    maxDbs: 32,
    cache: false,
    ...(process.platform === 'win32' ? {} : { mapSize }),
    // A commit resolves once it is on the disk, and rejects when it is not: with overlapping syncs `close` hangs after a failure.
    overlappingSync: false,
    // lmdb's own batches leave a rejection that nobody hears, and make a writer who is alone wait: 215 appends/s, against 1,066.
    eventTurnBatching: false,
  })
  const table = <V, K extends string | number | (string | number)[]>(
    name: string,
    encoding: 'msgpack' | 'binary' = 'msgpack',
  ): Database<V, K> => root.openDB<V, K>({ name, encoding })
  return {
    root,
    journal: table('journal', 'binary'),
    entries: table('entries', 'binary'),
    logs: table('logs'),
    cursors: table('cursors'),
    repeats: table('repeats', 'binary'),
    days: table('days'),
    seen: table('seen'),
    preferences: table('preferences'),
    bans: table('bans'),
    settings: table('settings'),
    groups: table('groups'),
    noted: table('noted'),
    leases: table('leases'),
    lives: table('lives'),
    timers: table('timers'),
    due: table('due'),
    history: table('history', 'binary'),
  }
}
