/** Entries as rows, and back. */
import type { types } from 'cassandra-driver'
import type { Change } from '../../protocol/group.ts'
import type { MediaRef, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Carrier, Entry } from '../contract.ts'
import { driver } from './driver.ts'
import type { Row, Statement } from './requests.ts'

/**
 * The column `kind`: what an entry is (the lowest two bits), and which cells it has. Cells that it does not name are of another
 * entry: a former life of the node may have begun to write one under the same seq and term.
 */
const kinds = { message: 0, copy: 1, receipt: 2, seen: 3 } as const
const kindBits = 3
const hasBytes = 4
const hasMedia = 8
const hasPlace = 16
const hasChange = 32
const hasLifetime = 64
const hasExpires = 128
/** Without a body there are no cells to name: the bits that are free make more kinds. */
const [deleted, gone] = [kinds.seen | hasBytes, kinds.seen | hasMedia]

/** Whether an own copy. */
export const isCopy = (kind: number): boolean => (kind & kindBits) === kinds.copy
export const long = (value: number): types.Long => driver().types.Long.fromNumber(value)
export const number = (value: types.Long | undefined | null): number => value?.toNumber() ?? 0
export const uuid = (id: MessageId): types.Uuid => driver().types.Uuid.fromString(id)
/** The cell of a device's cursor. */
export const pair = (seq: Seq, seenAt: Millis): types.Tuple => driver().types.Tuple.fromArray([long(seq), long(seenAt)])

/** Writes one entry. `ttl` in seconds. No null is written: only the columns that it has. */
export function writeEntry(user: UserId, bucket: number, term: number, entry: Entry, ttl: number): Statement {
  const { seq, time } = entry
  const cells = { user, bucket, seq: long(seq), term, time: new Date(time), ...cellsOf(entry) }
  return { query: insert(Object.keys(cells).join(', ')), params: [...Object.values(cells), ttl] }
}

const inserts = new Map<string, string>()

/** The statement for columns; there are a few dozen. */
function insert(names: string): string {
  const known = inserts.get(names)
  if (known !== undefined) return known
  const made = `INSERT INTO inbox_entries (${names}) VALUES (${names.replace(/\w+/g, '?')}) USING TTL ?`
  inserts.set(names, made)
  return made
}

function cellsOf(entry: Entry): Record<string, unknown> {
  if (entry.is === 'receipt') {
    const { peer, epoch, delivered, read } = entry
    return { kind: kinds.receipt, peer, at_epoch: epoch, delivered: long(delivered), read: long(read) }
  }
  if (entry.is === 'seen') return { kind: kinds.seen, peer: entry.chat, at_seq: long(entry.upTo) }
  if (entry.is === 'gone') return { kind: gone }
  if (entry.is === 'deleted')
    return { kind: deleted, peer: entry.chat, delivered: long(entry.from), at_seq: long(entry.upTo) }
  const { is, id, body, media, lifetime, expires } = entry
  const text = typeof body === 'string'
  return {
    kind: kinds[is] | (text ? 0 : hasBytes) | (media ? hasMedia : 0) | moreBits(entry),
    id: uuid(id),
    ...(text ? { body } : { bytes: bufferOf(body) }),
    ...(media && { media: mediaCell(media) }),
    ...(lifetime && { lifetime }),
    ...(expires !== undefined && { expires: new Date(expires) }),
    ...changeCell(entry),
    ...(is === 'message'
      ? { peer: entry.from, ...placeCells(entry) }
      : { peer: entry.to, at_epoch: entry.at.epoch, at_seq: long(entry.at.seq) }),
  }
}

const placeOf = (entry: Carrier) => (entry.is === 'message' ? entry.place : undefined)
const changeOf = (entry: Carrier) => placeOf(entry)?.change ?? entry.change

const moreBits = (entry: Carrier): number =>
  (placeOf(entry) ? hasPlace : 0) |
  (changeOf(entry) ? hasChange : 0) |
  (entry.lifetime ? hasLifetime : 0) |
  (entry.expires === undefined ? 0 : hasExpires)

/** What a message changes: in its chat, in the group's own log, or where it is a copy of one in the group. */
function changeCell(entry: Carrier): Record<string, unknown> {
  const change = changeOf(entry)
  return change ? { change } : {}
}

/** Where a message stands in its group. */
const placeCells = ({ place }: Extract<Entry, { is: 'message' }>): Record<string, unknown> =>
  place ? { place: place.group, at_epoch: place.epoch, at_seq: long(place.at) } : {}

function groupOf(row: Row, kind: number): Pick<Extract<Entry, { is: 'message' }>, 'place' | 'change'> {
  const change = kind & hasChange ? { change: row['change'] as Change } : {}
  if (!(kind & hasPlace)) return change
  return { place: { group: row['place'] as UserId, epoch: row['at_epoch'], at: number(row['at_seq']), ...change } }
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

export function entryOf(row: Row): Entry {
  const kind: number = row['kind']
  const seq: Seq = number(row['seq'])
  const time: Millis = row['time'].getTime()
  const peer = row['peer'] as UserId
  if (kind === gone) return { is: 'gone', seq, time }
  if (kind === deleted)
    return { is: 'deleted', seq, time, chat: peer, from: number(row['delivered']), upTo: number(row['at_seq']) }
  if ((kind & kindBits) === kinds.receipt) {
    const [delivered, read] = [number(row['delivered']), number(row['read'])]
    return { is: 'receipt', seq, time, peer, epoch: row['at_epoch'], delivered, read }
  }
  if ((kind & kindBits) === kinds.seen) return { is: 'seen', seq, time, chat: peer, upTo: number(row['at_seq']) }
  const carried = {
    id: row['id'].toString() as MessageId,
    body: kind & hasBytes ? bytesOf(row['bytes']) : (row['body'] as string),
    ...(kind & hasMedia && { media: mediaOf(row['media']) }),
    ...(kind & hasLifetime && { lifetime: row['lifetime'] as Lifetime }),
    ...(kind & hasExpires && { expires: row['expires'].getTime() as Millis }),
  }
  if (!isCopy(kind)) return { is: 'message', seq, time, from: peer, ...carried, ...groupOf(row, kind) }
  const at = { epoch: row['at_epoch'], seq: number(row['at_seq']) }
  return { is: 'copy', seq, time, to: peer, ...carried, at, ...groupOf(row, kind) }
}
