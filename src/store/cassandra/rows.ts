/** Entries as rows, and back. No null is written: each kind has a statement of its own columns. */
import type { types } from 'cassandra-driver'
import type { Body, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { Entry } from '../contract.ts'
import { driver } from './driver.ts'
import type { Row, Statement } from './requests.ts'

/** What an entry is, and whether its body is text or bytes: of a row written twice, cells of both may be left. */
const kinds = { message: 1, messageBytes: 2, copy: 3, copyBytes: 4, receipt: 5 } as const

/** The cell of a device's cursor. */
export const pair = (seq: Seq, seenAt: Millis): types.Tuple => driver().types.Tuple.fromArray([long(seq), long(seenAt)])
/** Whether an own copy. */
export const isCopy = (kind: number): boolean => kind === kinds.copy || kind === kinds.copyBytes

export const long = (value: number): types.Long => driver().types.Long.fromNumber(value)
export const number = (value: types.Long | undefined | null): number => value?.toNumber() ?? 0
export const uuid = (id: MessageId): types.Uuid => driver().types.Uuid.fromString(id)

const insert = (columns: string): string => {
  const names = `user, bucket, seq, term, kind, time, peer, ${columns}`
  return `INSERT INTO inbox_entries (${names}) VALUES (${names.replace(/\w+/g, '?')}) USING TTL ?`
}
const inserts = {
  message: { text: insert('id, body'), bytes: insert('id, bytes') },
  copy: { text: insert('id, at_epoch, at_seq, body'), bytes: insert('id, at_epoch, at_seq, bytes') },
  receipt: insert('at_epoch, delivered, read'),
}

/** Writes one entry. `ttl` in seconds. */
export function writeEntry(user: UserId, bucket: number, term: number, entry: Entry, ttl: number): Statement {
  const key = [user, bucket, long(entry.seq), term]
  const time = new Date(entry.time)
  if (entry.is === 'receipt') {
    const { peer, epoch, delivered, read } = entry
    const params = [...key, kinds.receipt, time, peer, epoch, long(delivered), long(read), ttl]
    return { query: inserts.receipt, params }
  }
  const { is, id, body } = entry
  const text = typeof body === 'string'
  const kind = text ? kinds[is] : is === 'message' ? kinds.messageBytes : kinds.copyBytes
  const cell = text ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const params =
    is === 'message'
      ? [...key, kind, time, entry.from, uuid(id), cell, ttl]
      : [...key, kind, time, entry.to, uuid(id), entry.at.epoch, long(entry.at.seq), cell, ttl]
  return { query: inserts[is][text ? 'text' : 'bytes'], params }
}

export function entryOf(row: Row): Entry {
  const kind: number = row['kind']
  const seq: Seq = number(row['seq'])
  const time: Millis = row['time'].getTime()
  const peer = row['peer'] as UserId
  if (kind === kinds.receipt) {
    const [delivered, read] = [number(row['delivered']), number(row['read'])]
    return { is: 'receipt', seq, time, peer, epoch: row['at_epoch'], delivered, read }
  }
  const id = row['id'].toString() as MessageId
  const text = kind === kinds.message || kind === kinds.copy
  // Copied: what the driver gives shares the memory of the whole page.
  const body: Body = text ? row['body'] : new Uint8Array(row['bytes'])
  if (kind === kinds.message || kind === kinds.messageBytes) return { is: 'message', seq, time, id, from: peer, body }
  return { is: 'copy', seq, time, id, to: peer, body, at: { epoch: row['at_epoch'], seq: number(row['at_seq']) } }
}
