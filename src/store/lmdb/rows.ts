/** What the rows of the embedded store hold, besides entries (packed.ts): many things each, since a row costs more than what is in it. */
import { Packr } from 'msgpackr'
import type { Entry } from '../../protocol/entry.ts'
import type { DeviceId, MessageId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import type { DeviceCursor } from '../contract.ts'
import { idFrom, type packedId } from './ids.ts'
import { entryOf, type Fields, options, type Packed, packEntry, packRow, unpackAll } from './packed.ts'

const packr = new Packr(options)

/** Appends that are committed together. */
export type Append = {
  readonly user: UserId
  readonly epoch: number
  readonly term: number
  readonly entries: readonly Packed[]
}

export const packAppend = (user: UserId, epoch: number, term: number, entries: readonly Entry[]): Append => ({
  user,
  epoch,
  term,
  entries: entries.map((entry) => packEntry(user, entry)),
})

type Head = readonly [user: UserId, epoch: number, term: number, count: number]

/** Whose they are, and how many each has; then all entries, one after the other. */
export function packAppends(appends: readonly Append[]): Uint8Array {
  const heads = appends.map(({ user, epoch, term, entries }): Head => [user, epoch, term, entries.length])
  const all: Packed[] = []
  for (const { entries } of appends) all.push(...entries)
  return packRow(all, packr.pack(heads))
}

export function unpackAppends(row: Uint8Array): Append[] {
  const [heads, ...entries] = unpackAll(row) as [readonly Head[], ...Fields[]]
  let end = 0
  return heads.map(([user, epoch, term, count]) => {
    const own = entries.slice(end, end + count).map(entryOf)
    end += count
    return packAppend(user, epoch, term, own)
  })
}

/** What marks a repeat of a message, and what the first was answered. */
export type Repeat = { readonly id: MessageId; readonly sender: UserId; readonly seq: Seq; readonly time: Millis }

/** Of a row of `packRepeats`, in the inbox of that user. */
export const unpackRepeats = (user: UserId, row: Uint8Array): Repeat[] =>
  (unpackAll(row) as [Seq, Millis, ReturnType<typeof packedId>, UserId?][]).map(([seq, time, id, sender = user]) => ({
    id: idFrom(id),
    sender,
    seq,
    time,
  }))

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
