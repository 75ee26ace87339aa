/** Entries as rows, and back. */
import type { types } from 'cassandra-driver'
import type { Carrier, Entry } from '../../protocol/entry.ts'
import type { Change } from '../../protocol/group.ts'
import type { GroupId, MediaRef, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import { driver } from './driver.ts'
import type { Row, Statement } from './requests.ts'

/**
 * The column `kind`: what an entry is, and which cells it has. Cells that it does not name are of another entry: a former
 * life of the node may have begun to write one under the same seq and term.
 */
const kinds = { message: 0, copy: 1, receipt: 2, seen: 3, gone: 64, deleted: 65 } as const
const kindBits = 67
const hasBytes = 4
const hasMedia = 8
const hasPlace = 16
const hasChange = 32
const hasLifetime = 128
/** Signed, as a tinyint is. */
const kindCell = (bits: number): number => (bits << 24) >> 24

/** What an entry is made of, besides its key. */
export const entryColumns =
  'kind, time, id, peer, body, bytes, media, at_epoch, at_seq, first, delivered, read, place, change, lifetime'
/** Of a row that may be overwritten: its timestamp, and the seconds that are left of its time, both by the clock of who wrote it. */
export const written = 'WRITETIME(kind) AS written, TTL(kind) AS left'
/** No TTL would be one without end. */
export const leftOf = (row: Row): number => Math.max(1, row['left'])
/** Who and what: the cells that leave first where a timer runs. The others stay and say that the entry is gone; the id also that a repeat is one. */
const fading: ReadonlySet<string> = new Set(['peer', 'body', 'bytes', 'media', 'place', 'change'])

/** Seconds that what fades stays after its timer has run out: the clock of the node decides, and that of a replica may differ. */
const fadesAfter = 60

/** Whether there is an entry: without its kind a row is what a read of some columns has left on a replica that never got it. */
export const isWhole = (row: Row): boolean => row['kind'] !== null
/** What is written of an entry, as a row has it: of one that is gone more than the entry says. */
export const cellsOfRow = (row: Row): Record<string, unknown> =>
  Object.fromEntries(entryColumns.split(', ').flatMap((name) => (row[name] === null ? [] : [[name, row[name]]])))
/** Whether nothing is left of an entry but its place. */
export const isGone = (kind: number): boolean => (kind & kindBits) === kinds.gone
/** Whether an own copy. */
export const isCopy = (kind: number): boolean => (kind & kindBits) === kinds.copy
export const long = (value: number): types.Long => driver().types.Long.fromNumber(value)
export const number = (value: types.Long | undefined | null): number => value?.toNumber() ?? 0
export const uuid = (id: MessageId): types.Uuid => driver().types.Uuid.fromString(id)
/** The cell of a device's cursor. */
export const pair = (seq: Seq, seenAt: Millis): types.Tuple => driver().types.Tuple.fromArray([long(seq), long(seenAt)])

/** The key of a row of an inbox. */
export type Key = { readonly user: UserId; readonly bucket: number; readonly seq: Seq; readonly term: number }

/** When the timer of an entry runs out; undefined: none runs. */
export const expiryOf = (entry: Entry): Millis | undefined => ('body' in entry ? entry.expires : undefined)

/** Writes cells for `ttl` seconds, and those that fade only until `expires`. `stamp`: the timestamp, where the row may be there already. */
export function writeEntry(
  key: Key,
  cells: Record<string, unknown>,
  expires: Millis | undefined,
  ttl: number,
  stamp?: types.Long,
): Statement[] {
  if (expires === undefined) return [write(key, cells, ttl, stamp)]
  const left = Math.max(0, Math.ceil((expires - Date.now()) / 1000)) + fadesAfter
  const those = (fades: boolean) =>
    Object.fromEntries(Object.entries(cells).filter(([name]) => fading.has(name) === fades))
  return [write(key, those(false), ttl, stamp), write(key, those(true), Math.min(left, ttl), stamp)]
}

/** Makes `gone` of a row: its cells are overwritten by empty ones, since a deletion of each would stay as a tombstone. */
export function blank(key: Key, kind: number, ttl: number, stamp: types.Long): Statement {
  const cells = {
    kind: kinds.gone,
    peer: '',
    ...(kind & hasBytes ? { bytes: Buffer.alloc(0) } : { body: '' }),
    ...(kind & hasMedia && { media: mediaCell({ media: '', type: '', size: 0 }) }),
    ...(kind & hasPlace && { place: '' }),
    ...(kind & hasChange && { change: '' }),
  }
  return write(key, cells, ttl, stamp)
}

/** No null is written: only the cells that there are. */
function write(
  { user, bucket, seq, term }: Key,
  cells: Readonly<Record<string, unknown>>,
  ttl: number,
  stamp?: types.Long,
): Statement {
  let names = 'user, bucket, seq, term'
  const params: unknown[] = [user, bucket, long(seq), term]
  for (const name in cells) {
    names += `, ${name}`
    params.push(cells[name])
  }
  params.push(ttl)
  if (!stamp) return { query: insert('inbox_entries', names, 'TTL ?'), params }
  params.push(stamp)
  return { query: insert('inbox_entries', names, 'TTL ? AND TIMESTAMP ?'), params }
}

const inserts = new Map<string, string>()

/** The statement for columns; there are a few dozen. */
export function insert(table: string, names: string, using: string): string {
  const key = `${table} ${names} ${using}`
  const known = inserts.get(key)
  if (known !== undefined) return known
  const made = `INSERT INTO ${table} (${names}) VALUES (${names.replace(/\w+/g, '?')}) USING ${using}`
  inserts.set(key, made)
  return made
}

export function cellsOf(entry: Entry): Record<string, unknown> {
  const time = new Date(entry.time)
  switch (entry.is) {
    case 'receipt': {
      const { peer, epoch, delivered, read } = entry
      return { kind: kinds.receipt, time, peer, at_epoch: epoch, delivered: long(delivered), read: long(read) }
    }
    case 'seen':
      return { kind: kinds.seen, time, peer: entry.chat, at_seq: long(entry.upTo) }
    case 'gone':
      return { kind: kinds.gone, time }
    case 'deleted':
      return { kind: kinds.deleted, time, peer: entry.chat, first: long(entry.from), at_seq: long(entry.upTo) }
    case 'message':
    case 'copy':
      return carrierCells(entry, time)
  }
}

function carrierCells(entry: Carrier, time: Date): Record<string, unknown> {
  const { is, id, body, media, lifetime, expires } = entry
  const place = is === 'message' ? entry.place : undefined
  const at = is === 'copy' ? entry.at : place && { epoch: place.epoch, seq: place.at }
  const change = place?.change ?? entry.change
  const text = typeof body === 'string'
  const has =
    (text ? 0 : hasBytes) |
    (media ? hasMedia : 0) |
    (place ? hasPlace : 0) |
    (change ? hasChange : 0) |
    (lifetime ? hasLifetime : 0)
  return {
    kind: kindCell(kinds[is] | has),
    id: uuid(id),
    peer: is === 'message' ? entry.from : entry.to,
    ...(text ? { body } : { bytes: bufferOf(body) }),
    ...(media && { media: mediaCell(media) }),
    ...(at && { at_epoch: at.epoch, at_seq: long(at.seq) }),
    ...(place && { place: place.group }),
    ...(change && { change }),
    ...(lifetime && { lifetime: lifetimeCell(lifetime, expires) }),
    time,
  }
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, byteLength)
/** What the driver gives shares the memory of a whole page, and must not keep it. */
const bytesOf = (buffer: Buffer): Uint8Array => new Uint8Array(buffer)

const mediaCell = ({ media, type, size, preview }: MediaRef): types.Tuple =>
  driver().types.Tuple.fromArray([media, type, long(size), preview ? bufferOf(preview) : null])

function mediaOf(cell: types.Tuple): MediaRef {
  const [media, type, size, preview] = cell.values() as [string, string, types.Long, Buffer | null]
  return { media, type, size: number(size), ...(preview && { preview: bytesOf(preview) }) }
}

/** One cell, so that both are of the same entry. */
const lifetimeCell = (lifetime: Lifetime, expires: Millis | undefined): types.Tuple =>
  driver().types.Tuple.fromArray([lifetime, expires === undefined ? null : long(expires)])

function lifetimeOf(cell: types.Tuple): { lifetime: Lifetime; expires?: Millis } {
  const [lifetime, expires] = cell.values() as [Lifetime, types.Long | null]
  return { lifetime, ...(expires && { expires: number(expires) }) }
}

/** What a row says at `now`. */
export function entryOf(row: Row, now: Millis): Entry {
  const kind: number = row['kind']
  const seq: Seq = number(row['seq'])
  const time: Millis = row['time'].getTime()
  const peer = row['peer'] as UserId
  switch (kind & kindBits) {
    case kinds.receipt: {
      const [delivered, read] = [number(row['delivered']), number(row['read'])]
      return { is: 'receipt', seq, time, peer, epoch: row['at_epoch'], delivered, read }
    }
    case kinds.seen:
      return { is: 'seen', seq, time, chat: peer, upTo: number(row['at_seq']) }
    case kinds.deleted:
      return { is: 'deleted', seq, time, chat: peer, from: number(row['first']), upTo: number(row['at_seq']) }
    case kinds.gone:
      return { is: 'gone', seq, time }
  }
  const lasting: ReturnType<typeof lifetimeOf> | undefined =
    kind & hasLifetime ? lifetimeOf(row['lifetime']) : undefined
  const over = lasting?.expires !== undefined && (lasting.expires <= now || !peer)
  return over ? { is: 'gone', seq, time } : { ...carrierOf(row, kind, seq, time, peer), ...lasting }
}

function carrierOf(row: Row, kind: number, seq: Seq, time: Millis, peer: UserId): Carrier {
  const at = { epoch: row['at_epoch'] as number, seq: number(row['at_seq']) }
  const change = kind & hasChange ? { change: row['change'] as Change } : {}
  const carried = {
    seq,
    time,
    id: row['id'].toString() as MessageId,
    body: kind & hasBytes ? bytesOf(row['bytes']) : (row['body'] as string),
    ...(kind & hasMedia && { media: mediaOf(row['media']) }),
  }
  if (isCopy(kind)) return { is: 'copy', ...carried, to: peer, at, ...change }
  if (!(kind & hasPlace)) return { is: 'message', ...carried, from: peer, ...change }
  const place = { group: row['place'] as GroupId, epoch: at.epoch, at: at.seq, ...change }
  return { is: 'message', ...carried, from: peer, place }
}

/** Of a row that carries a message: its chat, as its owner names it, and its lifetime. undefined: it carries none, or it is gone. */
export function carried(row: Row): { readonly chat: UserId; readonly lifetime: Lifetime } | undefined {
  const kind: number = row['kind']
  const what = kind & kindBits
  const chat: UserId | null = kind & hasPlace ? row['place'] : row['peer']
  if ((what !== kinds.message && what !== kinds.copy) || chat === null) return undefined
  return { chat, lifetime: kind & hasLifetime ? lifetimeOf(row['lifetime']).lifetime : 'default' }
}
