/** The tables of the embedded store, all in one file of one environment. */
import { type Database, open, type RootDatabase } from 'lmdb'
import type { Millis, Seq } from '../../protocol/ids.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { GroupRecord } from '../contract.ts'
import type { Mark } from './journal/marks.ts'
import type { CursorsRow } from './rows.ts'
import { bytes, type Damages, type Key, packed, Table } from './table.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
export const hourOf = (time: Millis): number => Math.floor(time / hourMs)
export const dayOf = (time: Millis): number => Math.floor(time / dayMs)

/** They sort after every seq and every id: for the end of a range. */
export const lastSeq = Number.MAX_SAFE_INTEGER
export const lastId = '\u{10ffff}'

/** `lives`: term and first seq of each life, one after the other. `was`: the epoch before it was renamed. */
export type Log = { epoch: number; tail: Seq; lastTime: Millis; head: Seq; lives?: readonly number[]; was?: number }

export type Tables = {
  readonly root: RootDatabase
  /** 'journal' -> how far the tables and the journal know each other (journal/marks.ts) */
  readonly marks: Table<Mark, string>
  /** user -> what the journal had of them, whose rows below are damaged (rows.ts) */
  readonly aside: Table<Uint8Array, string>
  /** [user, seq of the first] -> entries that follow each other, of one day (packed.ts) */
  readonly entries: Table<Uint8Array, [string, number]>
  readonly logs: Table<Log, string>
  readonly cursors: Table<CursorsRow, string>
  /** [hour, user, seq of the first] -> messages that were appended in that hour (packed.ts). By hour, so that expiry is one range. */
  readonly repeats: Table<Uint8Array, [number, string, number]>
  /** [day, user]: the inbox got entries on that day */
  readonly days: Table<true, [number, string]>
  readonly seen: Table<number, string>
  /** [user, chat] -> up to which entry it is read. A row for each chat that its user has ever read on an only device. */
  readonly reads: Table<number, [string, string]>
  readonly preferences: Table<Settings, string>
  /** Users who may not connect. */
  readonly bans: Table<true, string>
  /** Users whose erasure is not over. */
  readonly erasures: Table<true, string>
  /** 'version' -> that of what the tables hold, as every release reads it */
  readonly versions: Database<number, string>
  /** Of the store itself. */
  readonly settings: Table<number, string>
  readonly groups: Table<GroupRecord, string>
  /** [user, number] -> a link of the chain that says which devices they have */
  readonly links: Table<Uint8Array, [string, number]>
  /** [user, identity key] -> what that device has left, as `ShelfRow` has it */
  readonly shelves: Table<readonly [version: number, shelf: Uint8Array, once: Uint8Array], [string, string]>
  /** [term, group] -> 1 */
  readonly noted: Table<number, [number, string]>
  /** how a node called itself -> its term */
  readonly lives: Table<number, number>
  /** [user, what it waits for, chat where it waits to be read, seq]: a timer that has not started */
  readonly timers: Table<true, [string, string, string, number]>
  /** [expires, user, seq]: a timer that runs */
  readonly due: Table<true, [number, string, number]>
  /** [user, chat, seq] -> a row of one entry */
  readonly history: Table<Uint8Array, [string, string, number]>
}

export const fileOf = (folder: string): string => `${folder}/bluetick.mdb`

/**
 * Bytes of addresses for the file, which may outgrow them. lmdb starts with 128 KB, doubles, and keeps each smaller map with
 * the pages that were looked at through it: 19,000 idle users took 125 bytes more each. Windows would make the file as large.
 */
const mapSize = 16 * 1024 ** 3

export function openTables(path: string, damages: Damages): Tables {
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
  const table = <V, K extends Key>(name: string) => new Table<V, K>(root, name, damages, packed)
  const rows = <K extends Key>(name: string) => new Table<Uint8Array, K>(root, name, damages, bytes)
  return {
    root,
    marks: table('marks'),
    aside: rows('aside'),
    entries: rows('entries'),
    logs: table('logs'),
    cursors: table('cursors'),
    repeats: rows('repeats'),
    days: table('days'),
    seen: table('seen'),
    reads: table('reads'),
    preferences: table('preferences'),
    bans: table('bans'),
    erasures: table('erasures'),
    versions: root.openDB({ name: 'settings' }),
    settings: table('numbers'),
    groups: table('groups'),
    links: rows('links'),
    shelves: table('shelves'),
    noted: table('noted'),
    lives: table('lives'),
    timers: table('timers'),
    due: table('due'),
    history: rows('history'),
  }
}
