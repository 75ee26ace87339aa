/**
 * The floor of what a durable server costs: a relay for pairs that writes each message to the disk, tells its sender *sent*, and then passes
 * it on. What has come in one turn of the event loop is one write, on the loop's own thread, which is the cheapest. It keeps no inboxes,
 * numbers nothing, and could not read again what it has written.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { MessageId, Millis, Seq } from '../src/protocol/ids.ts'
import { msgpackCodec } from '../src/protocol/msgpack.ts'
import { openOut, Sheet } from '../src/store/lmdb/journal/out.ts'
import { sockets, startRelay } from './relay.ts'

/** Bytes of a page, of the file, which is written over and over, and of what is written at once, at most. */
const [pageBytes, fileBytes, mostBytes] = [4_096, 8 * 1024 * 1024, 1024 * 1024]

const [folder = ''] = process.argv.slice(2)
const out = await openOut(join(folder, 'relay'))
const sheet = new Sheet(mostBytes)
const record = sheet.start(mostBytes)
for (let at = 0; at < fileBytes; at += mostBytes) out.writeNow(record, at)

const id = '01234567-89ab-7000-8000-0123456789ab' as MessageId
const counts = new Map<number, number>()
let due: { readonly from: number; readonly data: Buffer }[] = []
let at = 0

startRelay(
  (from, _groups, data) => {
    if (due.push({ from, data: Buffer.from(new Uint8Array(data)) }) === 1) setImmediate(lap)
  },
  // Here too: who started it may have been killed.
  () => rmSync(folder, { recursive: true, force: true }),
)

function lap(): void {
  const passed = due
  due = []
  let bytes = 0
  for (const { data } of passed) bytes += data.copy(record, bytes)
  const written = Math.ceil(bytes / pageBytes) * pageBytes
  if (at + written > fileBytes) at = 0
  out.writeNow(sheet.start(written), at)
  at += written
  for (const { from, data } of passed) {
    const nth = (counts.get(from) ?? 0) + 1
    counts.set(from, nth)
    const sent = ['sent', id, 1, nth as Seq, Date.now() as Millis] as const
    sockets[from]?.send(msgpackCodec.encode([sent]) as Uint8Array, true)
    sockets[from + 1]?.send(data, true)
  }
}
