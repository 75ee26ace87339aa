/** What the rows of the embedded store hold: many things each, since a row costs more than what is in it. */
import { Packr, Unpackr } from 'msgpackr'
import type { Carrier, Entry } from '../../protocol/entry.ts'
import type { Body, DeviceId, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { DeviceCursor } from '../contract.ts'

const [message, copy, receipt, seen, gone, deleted] = [1, 2, 3, 4, 5, 6]
const options = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const
const packr = new Packr(options)
const unpackr = new Unpackr({ ...options, copyBuffers: true })

/** Appends that are committed together. */
export type Append = {
  readonly user: UserId
  readonly epoch: number
  readonly term: number
  readonly entries: readonly Entry[]
}
/** What marks a repeat of a message, and what the first was answered. */
export type Repeat = { readonly id: MessageId; readonly sender: UserId; readonly seq: Seq; readonly time: Millis }

/** Bytes of a row, about: a value of more than half a page has pages of its own, and one page needs no others beside it. */
const rowBytes = 3_600

/** Cuts a list into rows of about a page, or of `most` bytes, and where `periodOf` changes. */
export function pieces<T extends Entry | Append | Repeat>(
  items: readonly T[],
  periodOf: (item: T) => number = () => 0,
  most = rowBytes,
): (readonly T[])[] {
  const rows: T[][] = []
  let room = 0
  let period = 0
  for (const item of items) {
    const bytes = sizeOf(item)
    const cut = bytes > room || periodOf(item) !== period
    if (cut) rows.push([])
    room = (cut ? most : room) - bytes
    period = periodOf(item)
    rows.at(-1)?.push(item)
  }
  return rows
}

/** What entries take in a row, about. */
export const bytesOf = (entries: readonly Entry[]): number => entries.reduce((sum, entry) => sum + sizeOf(entry), 0)

function sizeOf(item: Entry | Append | Repeat): number {
  if ('entries' in item) return bytesOf(item.entries) + 40
  return 'body' in item ? item.body.length + 120 : 80
}

export const packAppends = (appends: readonly Append[]): Uint8Array =>
  packr.pack(appends.map(({ user, epoch, term, entries }) => [user, epoch, entries.map(fields), term]))

export const unpackAppends = (row: Uint8Array): Append[] =>
  (unpack(row) as [UserId, number, Fields[], number?][]).map(([user, epoch, rows, term = 0]) => ({
    user,
    epoch,
    term,
    entries: rows.map(entryOf),
  }))

/** A row with these entries, which must follow each other. What only some have (media, a place in a group) comes last, by name. */
export const packRow = (entries: readonly Entry[]): Uint8Array => packr.pack(entries.map(fields))

function fields(entry: Entry): unknown[] {
  const { seq, time } = entry
  switch (entry.is) {
    case 'message':
      return withMore([message, seq, time, entry.id, entry.from, entry.body], entry)
    case 'copy':
      return withMore([copy, seq, time, entry.id, entry.to, entry.body, entry.at.epoch, entry.at.seq], entry)
    case 'receipt':
      return [receipt, seq, time, entry.peer, entry.epoch, entry.delivered, entry.read]
    case 'seen':
      return [seen, seq, time, entry.chat, entry.upTo]
    case 'gone':
      return [gone, seq, time]
    case 'deleted':
      return [deleted, seq, time, entry.chat, entry.from, entry.upTo]
  }
}

/** What only some messages have, by name. */
type More = { -readonly [Name in 'media' | 'place' | 'change' | 'lifetime' | 'expires']?: unknown }

/** Most have nothing more; a rest of the entry for each would cost more than to pack it. */
function withMore(row: unknown[], entry: Carrier & More): unknown[] {
  const { media, place, change, lifetime, expires } = entry
  if (!media && !place && !change && !lifetime && expires === undefined) return row
  const more: More = {}
  if (media) more.media = media
  if (place) more.place = place
  if (change) more.change = change
  if (lifetime) more.lifetime = lifetime
  if (expires !== undefined) more.expires = expires
  row.push(more)
  return row
}

type Fields = [number, Seq, Millis, ...unknown[]]

export const unpackRow = (row: Uint8Array): Entry[] => (unpack(row) as Fields[]).map(entryOf)

/** Of a Buffer its bytes would be Buffers, which JSON does not write as bytes. */
const unpack = (row: Uint8Array): unknown => unpackr.unpack(new Uint8Array(row.buffer, row.byteOffset, row.byteLength))

function entryOf([kind, seq, time, ...rest]: Fields): Entry {
  if (kind === message) {
    const [id, from, body, more] = rest as [MessageId, UserId, Body, object?]
    return { is: 'message', seq, time, id, from, body, ...more }
  }
  if (kind === copy) {
    const [id, to, body, epoch, position, more] = rest as [MessageId, UserId, Body, number, number, object?]
    return { is: 'copy', seq, time, id, to, body, at: { epoch, seq: position }, ...more }
  }
  if (kind === seen) {
    const [chat, upTo] = rest as [UserId, number]
    return { is: 'seen', seq, time, chat, upTo }
  }
  if (kind === gone) return { is: 'gone', seq, time }
  if (kind === deleted) {
    const [chat, from, upTo] = rest as [UserId, number, number]
    return { is: 'deleted', seq, time, chat, from, upTo }
  }
  const [peer, epoch, delivered, read] = rest as [UserId, number, number, number]
  return { is: 'receipt', seq, time, peer, epoch, delivered, read }
}

export const packRepeats = (repeats: readonly Repeat[]): Uint8Array =>
  packr.pack(repeats.map(({ id, sender, seq, time }) => [id, sender, seq, time]))

export const unpackRepeats = (row: Uint8Array): Repeat[] =>
  (unpack(row) as [MessageId, UserId, Seq, Millis][]).map(([id, sender, seq, time]) => ({ id, sender, seq, time }))

export type Cursors = { readonly epoch: number; readonly settled: Seq; readonly cursors: readonly DeviceCursor[] }
/** One for each user, also for those who never get a message: with names it took 67 bytes instead of 21. */
export type CursorsRow = readonly [epoch: number, settled: Seq, ...(readonly [DeviceId, Seq, Millis])[]]

export const packCursors = ({ epoch, settled, cursors }: Cursors): CursorsRow => [
  epoch,
  settled,
  ...cursors.map(({ device, seq, seenAt }) => [device, seq, seenAt] as const),
]

export function unpackCursors(row: CursorsRow): Cursors {
  const [epoch, settled, ...devices] = row
  return { epoch, settled, cursors: devices.map(([device, seq, seenAt]) => ({ device, seq, seenAt })) }
}
