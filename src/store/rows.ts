/** Entries as the embedded store keeps them: those of one append, and of one day, in one row. */
import { Packr, Unpackr } from 'msgpackr'
import type { Body, MessageId, UserId } from '../protocol/ids.ts'
import type { Appended, Entry } from './contract.ts'

const [message, copy, receipt, seen, gone, deleted] = [1, 2, 3, 4, 5, 6]
const options = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const
const packr = new Packr(options)
const unpackr = new Unpackr({ ...options, copyBuffers: true })

/** A row with these entries, which must follow each other. What only some have (media, a place in a group) comes last, by name. */
export const packRow = (entries: readonly Entry[]): Uint8Array => packr.pack(entries.map(fields))

function fields(entry: Entry): unknown[] {
  switch (entry.is) {
    case 'message': {
      const { is, seq, time, id, from, body, ...more } = entry
      return [message, seq, time, id, from, body, ...some(more)]
    }
    case 'copy': {
      const { is, seq, time, id, to, body, at, ...more } = entry
      return [copy, seq, time, id, to, body, at.epoch, at.seq, ...some(more)]
    }
    case 'receipt': {
      const { is, seq, time, peer, epoch, delivered, read, ...more } = entry
      return [receipt, seq, time, peer, epoch, delivered, read, ...some(more)]
    }
    case 'seen': {
      const { is, seq, time, chat, upTo, ...more } = entry
      return [seen, seq, time, chat, upTo, ...some(more)]
    }
    case 'gone':
      return [gone, entry.seq, entry.time]
    case 'deleted': {
      const { is, seq, time, chat, from, upTo, ...more } = entry
      return [deleted, seq, time, chat, from, upTo, ...some(more)]
    }
  }
}

const some = (more: object): object[] => (Object.keys(more).length > 0 ? [more] : [])

export function unpackRow(row: Uint8Array): Entry[] {
  // Of a Buffer its bytes would be Buffers, which JSON does not write as bytes.
  const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength)
  const rows = unpackr.unpack(bytes) as [number, number, number, ...unknown[]][]
  return rows.map(([kind, seq, time, ...rest]) => {
    if (kind === message) {
      const [id, from, body, more] = rest as [MessageId, UserId, Body, object?]
      return { is: 'message', seq, time, id, from, body, ...more }
    }
    if (kind === copy) {
      const [id, to, body, epoch, position, more] = rest as [MessageId, UserId, Body, number, number, object?]
      return { is: 'copy', seq, time, id, to, body, at: { epoch, seq: position }, ...more }
    }
    if (kind === seen) {
      const [chat, upTo, more] = rest as [UserId, number, object?]
      return { is: 'seen', seq, time, chat, upTo, ...more }
    }
    if (kind === gone) return { is: 'gone', seq, time }
    if (kind === deleted) {
      const [chat, from, upTo, more] = rest as [UserId, number, number, object?]
      return { is: 'deleted', seq, time, chat, from, upTo, ...more }
    }
    const [peer, epoch, delivered, read, more] = rest as [UserId, number, number, number, object?]
    return { is: 'receipt', seq, time, peer, epoch, delivered, read, ...more }
  })
}

/** What an append was answered, for the table of repeats. */
export const packAppended = ({ seq, time }: Appended): Uint8Array => packr.pack([seq, time])

export function unpackAppended(row: Uint8Array): Appended {
  const [seq, time] = unpackr.unpack(row) as [number, number]
  return { seq, time }
}
