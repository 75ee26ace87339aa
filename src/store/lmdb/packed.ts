/**
 * Entries as bytes. One is packed once, when it is appended: a record of the journal has these bytes, and a row of the tables takes them
 * as they are. An entry is an array of what it is, its seq, its time, and a rest. The copies of a group's message have one rest, which
 * is packed once for all of them.
 */
import { Packr, Unpackr } from 'msgpackr'
import { type Carrier, chatOf, type Entry, isKept, type Started, waitsFor } from '../../protocol/entry.ts'
import type { Place } from '../../protocol/group.ts'
import type { Body, ChatId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import { idFrom, packedId } from './ids.ts'

/** What an entry with a lifetime adds to other tables (lasting.ts). */
type Lasting = {
  readonly waits: Started['is'] | undefined
  readonly chat: ChatId
  readonly expires: Millis | undefined
  readonly kept: boolean
}
export type Packed = {
  readonly kind: number
  readonly seq: Seq
  readonly time: Millis
  readonly rest: Uint8Array
  /** Where in the rest ends what marks a repeat: the id, and of a message its sender. 0: nothing does. */
  readonly mark: number
  readonly lasting: Lasting | undefined
}

const [message, copy, receipt, seen, gone, deleted] = [1, 2, 3, 4, 5, 6] as const
const kinds = { message, copy, receipt, seen, gone, deleted }
export const options = { useRecords: false, variableMapSize: true, int64AsType: 'number' } as const
/** Of rests alone: its memory stays as long as one of them does. */
const packr = new Packr(options)
const unpackr = new Unpackr({ ...options, copyBuffers: true })

export function packEntry(owner: ChatId, entry: Entry): Packed {
  const { seq, time } = entry
  const rest = restOf(entry)
  return { kind: kinds[entry.is], seq, time, rest, mark: markOf(entry, rest), lasting: lastingOf(owner, entry) }
}

function lastingOf(owner: ChatId, entry: Entry): Lasting | undefined {
  if (!('body' in entry) || entry.lifetime === undefined) return undefined
  const { expires } = entry
  return { waits: waitsFor(owner, entry), chat: chatOf(entry), expires, kept: isKept(owner, entry) }
}

type Message = Extract<Entry, { readonly is: 'message' }>
/** The rest of one copy, by the place that it has in common with the others. */
const common = new WeakMap<Place, { readonly entry: Message; readonly rest: Uint8Array }>()

function restOf(entry: Entry): Uint8Array {
  if (entry.is !== 'message' || !entry.place) return packr.pack(fields(entry))
  const known = common.get(entry.place)
  if (known && sameRest(known.entry, entry)) return known.rest
  const rest = packr.pack(fields(entry))
  common.set(entry.place, { entry, rest })
  return rest
}

/** What was sealed has another body for each member, and each chooses a lifetime. */
const sameRest = (a: Message, b: Message): boolean =>
  a.body === b.body &&
  a.lifetime === b.lifetime &&
  a.expires === b.expires &&
  a.id === b.id &&
  a.from === b.from &&
  a.media === b.media &&
  a.change === b.change

/** What only some have (media, a place in a group) comes last, by name. */
function fields(entry: Entry): unknown[] {
  switch (entry.is) {
    case 'message':
      return withMore([packedId(entry.id), entry.from, entry.body], entry)
    case 'copy':
      return withMore([packedId(entry.id), entry.to, entry.body, entry.at.epoch, entry.at.seq], entry)
    case 'receipt':
      return [entry.peer, entry.epoch, entry.delivered, entry.read]
    case 'seen':
      return [entry.chat, entry.upTo]
    case 'gone':
      return []
    case 'deleted':
      return [entry.chat, entry.from, entry.upTo]
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

function markOf(entry: Entry, rest: Uint8Array): number {
  if (!('body' in entry)) return 0
  const id = valueEnd(rest, restHead)
  return entry.is === 'message' ? valueEnd(rest, id) : id
}

/** Bytes of the head of an array of less than 16. */
const restHead = 1
/** Where a string of msgpack ends that begins at `at`, or the bytes of an id: both are shorter than 64 KB. */
function valueEnd(bytes: Uint8Array, at: number): number {
  const head = bytes[at] as number
  if (head < 0xc0) return at + 1 + (head & 0x1f)
  const length = bytes[at + 1] as number
  return head === 0xd9 || head === 0xc4 ? at + 2 + length : at + 3 + length * 256 + (bytes[at + 2] as number)
}

const placeBytes = ({ seq }: Packed): number => (seq < 2 ** 32 ? 5 : 9) + 9
const entryBytes = (entry: Packed): number => 2 + placeBytes(entry) + entry.rest.length
const repeatBytes = (entry: Packed): number => 1 + placeBytes(entry) + entry.mark - restHead

/** What entries take in the tables, about: what marks them as repeats, too. */
export const bytesOf = (entries: readonly Packed[]): number => entries.reduce((sum, entry) => sum + takes(entry), 0)
const takes = (entry: Packed): number => entryBytes(entry) + repeatBytes(entry)

/** Bytes of a row: a value of more than half a page has pages of its own, and with its checksum this fits one of them. */
const rowBytes = 4_064

/** Cuts entries into rows of at most a page, and where `periodOf` their time changes. */
export const rowsOf = (entries: readonly Packed[], periodOf: (time: Millis) => number): Packed[][] =>
  pieces(entries, rowBytes, entryBytes, periodOf)
/** The same of what marks repeats. */
export const repeatRowsOf = (entries: readonly Packed[], periodOf: (time: Millis) => number): Packed[][] =>
  pieces(entries.filter(isMarked), rowBytes, repeatBytes, periodOf)
/** The first entries, which take about so many bytes of the tables. */
export const firstOf = (entries: readonly Packed[], bytes: number): readonly Packed[] =>
  pieces(entries, bytes, takes, () => 0)[0] ?? []

function pieces(
  entries: readonly Packed[],
  most: number,
  sizeOf: (entry: Packed) => number,
  periodOf: (time: Millis) => number,
): Packed[][] {
  const rows: Packed[][] = []
  let room = 0
  let period = 0
  for (const entry of entries) {
    const bytes = sizeOf(entry)
    const cut = bytes > room || periodOf(entry.time) !== period
    if (cut) rows.push([])
    room = (cut ? most : room) - bytes
    period = periodOf(entry.time)
    rows.at(-1)?.push(entry)
  }
  return rows
}

const nothing = new Uint8Array(0)

/** A row with these entries, one after the other, behind what is packed already. */
export function packRow(entries: readonly Packed[], before: Uint8Array = nothing): Buffer {
  const row = Buffer.allocUnsafe(entries.reduce((sum, entry) => sum + entryBytes(entry), before.length))
  let end = putRest(row, 0, before)
  for (const entry of entries) {
    row[end] = 0x94
    row[end + 1] = entry.kind
    end = putRest(row, putPlace(row, end + 2, entry), entry.rest)
  }
  return row
}

const isMarked = ({ mark }: Packed): boolean => mark > 0

/** What marks repeats, of those of these entries that can be repeated: seq and time, the id, and the sender where that is not the user. */
export function packRepeats(entries: readonly Packed[]): Buffer {
  const marked = entries.filter(isMarked)
  const row = Buffer.allocUnsafe(marked.reduce((sum, entry) => sum + repeatBytes(entry), 0))
  let end = 0
  for (const entry of marked) {
    row[end] = entry.kind === message ? 0x94 : 0x93
    end = putRest(row, putPlace(row, end + 1, entry), entry.rest.subarray(restHead, entry.mark))
  }
  return row
}

/** Numbers of one size each. */
function putPlace(into: Buffer, at: number, { seq, time }: Packed): number {
  const isShort = seq < 2 ** 32
  into[at] = isShort ? 0xce : 0xcb
  const end = isShort ? into.writeUInt32BE(seq, at + 1) : into.writeDoubleBE(seq, at + 1)
  into[end] = 0xcb
  return into.writeDoubleBE(time, end + 1)
}

function putRest(into: Buffer, at: number, rest: Uint8Array): number {
  into.set(rest, at)
  return at + rest.length
}

/** All values of a row. Of a Buffer its bytes would be Buffers, which JSON does not write as bytes. */
export const unpackAll = (row: Uint8Array): unknown[] =>
  row.length === 0 ? [] : unpackr.unpackMultiple(new Uint8Array(row.buffer, row.byteOffset, row.byteLength))

export const unpackRow = (row: Uint8Array): Entry[] => (unpackAll(row) as Fields[]).map(entryOf)

/** What an entry is as an array. */
export type Fields = readonly [kind: number, seq: Seq, time: Millis, rest: unknown]
type PackedId = ReturnType<typeof packedId>

export function entryOf([kind, seq, time, rest]: Fields): Entry {
  if (kind === message) {
    const [id, from, body, more] = rest as [PackedId, UserId, Body, object?]
    return { is: 'message', seq, time, id: idFrom(id), from, body, ...more }
  }
  if (kind === copy) {
    const [id, to, body, epoch, position, more] = rest as [PackedId, UserId, Body, number, number, object?]
    return { is: 'copy', seq, time, id: idFrom(id), to, body, at: { epoch, seq: position }, ...more }
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
