/**
 * Bringing a reader up to date. There is one ordered path: it gets seq n + 1 only after n, from the store while it is behind, from
 * memory once it is live, and never more at a time than its window.
 */
import { type Entry, withoutVanished } from '../../src/protocol/entry.ts'
import type { Lost } from '../../src/protocol/frames.ts'
import type { Millis, Seq } from '../../src/protocol/ids.ts'
import { goBack, isCertain } from './certain.ts'
import { saveAtOnce, saveSomeTime, saveSoon } from './cursors.ts'
import { isHeld, most, rename, wasPutBack } from './lives.ts'
import { awayReader, isOpening, unwelcomed } from './state.ts'
import type { LogLimits, LogState, LogTurn, Presented, Reader, ReaderRef } from './types.ts'

/** `seenAt` is saved again when the one that is saved is older than this, or said that it was gone. */
const seenMs = 3_600_000

/** Adds one who has not read this log before: it begins after `acked`. */
export function addReader(log: LogState, device: Reader['device'], acked: Seq, seenAt: Millis): Reader {
  const reader = awayReader(device, acked, seenAt)
  log.readers = [...log.readers, reader]
  return reader
}

/**
 * A reader comes, with the cursor that it has, or goes on from its own. `lost`: why its owner does not honour either, where the cursor
 * is of this log. It has begun when `opened` is said.
 */
export function attach(
  log: LogState,
  reader: Reader,
  ref: ReaderRef,
  cursor: Presented | null,
  lost: Lost | null,
  turn: LogTurn,
): void {
  if (cursor && wasPutBack(log, cursor, turn.limits)) rename(log, reader, turn)
  const why = !cursor || most(cursor) === 0 || isHeld(log, cursor) ? lost : 'reset'
  const from = why ? Math.max(heldBy(log, cursor), log.head - 1) : (cursor?.seq ?? reader.acked)
  const { acked } = reader
  Object.assign(reader, awayReader(reader.device, from, reader.seenAt), { session: ref, phase: why ?? 'opening' })
  if (from > acked) saveSoon(log, turn)
  if (from < acked) goBack(log, reader, turn)
  begin(log, reader, turn)
  turn.said.push({ says: 'acked', reader })
}

/** What it is to be told is durable, or will be: then it comes here again. */
function begin(log: LogState, reader: Reader, turn: LogTurn): void {
  if (!isCertain(log, reader)) return
  if (reader.pushed === log.tail) open(log, reader, turn)
  advance(log, reader, turn)
}

/** Something that readers had to wait for is durable. */
export function goOn(log: LogState, turn: LogTurn): void {
  for (const reader of log.readers) if (isOpening(reader) && !reader.fetching) begin(log, reader, turn)
}

/** How much of this log a cursor says that its reader has. */
const heldBy = (log: LogState, cursor: Presented | null): Seq => (cursor && isHeld(log, cursor) ? cursor.seq : 0)

/** A reader that goes before it was told from where it begins was not here. */
export function detach(log: LogState, reader: Reader, turn: LogTurn): void {
  const seenAt = isOpening(reader) ? reader.seenAt : turn.now
  Object.assign(reader, awayReader(reader.device, reader.acked, seenAt))
  saveSoon(log, turn)
}

/** It is certain from where a reader begins: entries follow. */
function open(log: LogState, reader: Reader, turn: LogTurn): void {
  const { phase, pushed: from } = reader
  const { epoch, tail } = log
  const lost = phase === 'away' || phase === 'opening' || phase === 'replaying' || phase === 'live' ? null : phase
  const isNew = reader.seenAt === unwelcomed
  if (lost || turn.now - reader.seenAt > seenMs) saveSoon(log, turn)
  reader.seenAt = turn.now
  reader.phase = 'replaying'
  // One that a crash has forgotten is told that it may have missed something: there is as little time for that as can be.
  if (isNew) saveAtOnce(log, turn)
  turn.said.push({ says: 'opened', reader, epoch, from, tail, lost })
}

/** Moves a reader on: live when it has everything, else the next page as soon as half of its window is free. */
function advance(log: LogState, reader: Reader, turn: LogTurn): void {
  if (reader.phase === 'away' || reader.phase === 'live' || reader.fetching) return
  if (reader.phase === 'replaying' && reader.pushed === log.tail) return goLive(reader, turn)
  const { windowEntries, windowBytes } = turn.limits
  const free = roomOf(reader, turn.limits)
  if (free.entries * 2 < windowEntries || free.bytes * 2 < windowBytes) return
  reader.fetching = true
  const from = reader.pushed + 1
  turn.effects.push({ do: 'fetch', reader: reader.session, from, limit: free.entries, bytes: free.bytes })
}

function goLive(reader: Reader, turn: LogTurn): void {
  reader.phase = 'live'
  if (reader.toldLive) return
  reader.toldLive = true
  turn.said.push({ says: 'live', reader })
}

function roomOf(reader: Reader, limits: LogLimits): { entries: number; bytes: number } {
  let bytes = limits.windowBytes
  for (const size of reader.sizes ?? []) bytes -= size
  return { entries: limits.windowEntries - (reader.sizes?.length ?? 0), bytes }
}

/** A page that was asked for. One that starts late tells that older entries have expired. */
export function page(
  log: LogState,
  reader: Reader | undefined,
  from: Seq,
  entries: readonly Entry[] | null,
  turn: LogTurn,
): void {
  if (!reader?.fetching) return
  reader.fetching = false
  // The reader has acknowledged more meanwhile than it was sent: it goes on from there.
  if (reader.pushed + 1 !== from) return advance(log, reader, turn)
  if (!entries) return void turn.said.push({ says: 'broken', reader, code: 'unavailable' })
  const held = entries.filter((entry) => entry.seq <= log.tail)
  const first = held[0]?.seq ?? log.tail + 1
  if (first !== from) {
    if (reader.phase === 'replaying') return void turn.said.push({ says: 'broken', reader, code: 'resync' })
    if (reader.phase === 'opening') reader.phase = 'trimmed'
    reader.acked = first - 1
    reader.pushed = first - 1
  }
  if (reader.phase !== 'replaying') open(log, reader, turn)
  push(log, reader, withoutVanished(held, turn.now), true, turn)
  advance(log, reader, turn)
}

/** Pushes entries that have just become durable to the readers that are live; one whose window is full is behind from here on. */
export function pushLive(log: LogState, durable: readonly Entry[], turn: LogTurn): void {
  const entries = withoutVanished(durable, turn.now)
  for (const reader of log.readers) {
    if (reader.phase !== 'live') continue
    const fits = fitting(reader, entries, turn.limits)
    push(log, reader, fits === entries.length ? entries : entries.slice(0, fits), false, turn)
    if (fits < entries.length) reader.phase = 'replaying'
  }
}

function fitting(reader: Reader, entries: readonly Entry[], limits: LogLimits): number {
  const free = roomOf(reader, limits)
  let count = 0
  for (const entry of entries) {
    free.bytes -= sizeOf(entry)
    const alone = count === 0 && !reader.sizes
    if (count >= free.entries || (free.bytes < 0 && !alone)) break
    count += 1
  }
  return count
}

/** `again`: they come from the store. */
function push(log: LogState, reader: Reader, entries: readonly Entry[], again: boolean, turn: LogTurn): void {
  if (entries.length === 0) return
  const [first, last] = [entries[0]?.seq ?? 0, entries.at(-1)?.seq ?? 0]
  if (first !== reader.pushed + 1 || last !== reader.pushed + entries.length)
    throw new Error(`${entries.length} entries, ${first} to ${last}, follow entry ${reader.pushed}`)
  reader.sizes ??= []
  for (const entry of entries) reader.sizes.push(sizeOf(entry))
  reader.pushed += entries.length
  if (reader.pushed > log.tail) throw new Error(`entry ${reader.pushed} is pushed before it is durable`)
  turn.said.push({ says: 'pushed', reader, entries, again })
}

/** Bytes that an entry counts for in a window: of text its length, which is near enough. */
const sizeOf = (entry: Entry): number =>
  !('body' in entry) ? 0 : typeof entry.body === 'string' ? entry.body.length : entry.body.byteLength

/** Whether that is new. `seq` is at most the tail. */
export function ack(log: LogState, reader: Reader, seq: Seq, turn: LogTurn): boolean {
  if (seq <= reader.acked) return false
  reader.sizes?.splice(0, seq - reader.acked)
  if (reader.sizes?.length === 0) reader.sizes = null
  // Above what was pushed: it had more from before this actor restarted.
  reader.pushed = Math.max(reader.pushed, seq)
  saveSomeTime(log, seq - reader.acked, turn)
  reader.acked = seq
  advance(log, reader, turn)
  turn.said.push({ says: 'acked', reader })
  return true
}

/** Forgets how far a reader was, but not what it has acknowledged: `seenAt` is what its owner says. */
export function release(log: LogState, reader: Reader, seenAt: Millis): void {
  Object.assign(reader, awayReader(reader.device, reader.acked, seenAt))
  log.unsaved = Math.max(log.unsaved, 1)
}
