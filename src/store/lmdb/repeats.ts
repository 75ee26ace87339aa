/** Which messages an inbox has got within the dedupe time, so that a repeat of a send is recognised. */
import type { MessageId, Millis, UserId } from '../../protocol/ids.ts'
import type { Appended, DedupeKey, MessageTrace } from '../contract.ts'
import { packedId } from './ids.ts'
import { type Packed, packRepeats, repeatRowsOf } from './packed.ts'
import { type Repeat, unpackRepeats } from './rows.ts'
import { unlessDamaged } from './table.ts'
import { hourOf, lastSeq, type Tables } from './tables.ts'

export function putRepeats(tables: Tables, user: UserId, entries: readonly Packed[]): void {
  for (const row of repeatRowsOf(entries, hourOf)) {
    const [first] = row
    if (first) void tables.repeats.put([hourOf(first.time), user, first.seq], packRepeats(row))
  }
}

/** What was answered to the message of each key since `oldest`. `fresh`: the entries that only the journal has. */
export function findRepeats(
  tables: Tables,
  fresh: readonly Packed[],
  user: UserId,
  keys: readonly DedupeKey[],
  oldest: Millis,
): readonly (Appended | undefined)[] {
  const found = new Map<string, Appended>()
  const forms = formsOf(keys.map(({ id }) => id))
  const add = ({ id, sender, seq, time }: Repeat) => found.set(nameOf(sender, id), { seq, time })
  for (const hour of hoursFrom(tables, hourOf(oldest)))
    for (const { value } of tables.repeats.getRange({ start: [hour, user, 0], end: [hour, user, lastSeq] }))
      for (const repeat of matching(user, value, forms)) add(repeat)
  for (const repeat of matching(user, packRepeats(fresh), forms)) add(repeat)
  return keys.map(({ sender, id }) => found.get(nameOf(sender, id)))
}

/** The hours in which anything was appended: one may be ahead of the clock, which was ahead itself then. */
function* hoursFrom({ repeats }: Tables, hour: number): Generator<number> {
  for (let from = hour; ; ) {
    const [first] = repeats.getKeys({ start: [from, '', 0], limit: 1 })
    if (!first) return
    yield first[0]
    from = first[0] + 1
  }
}

const nameOf = (sender: UserId, id: MessageId): string => `${id} ${sender}`

/** Ids as rows have them, which version 7 wrote as text. */
const formsOf = (ids: readonly MessageId[]) => ids.flatMap((id) => [packedId(id), id])

/** Rows are many and matches few: a row without any of the ids is not unpacked. */
const matching = (user: UserId, row: Uint8Array, forms: ReturnType<typeof formsOf>): Repeat[] =>
  forms.some((form) => bytesOf(row).includes(form)) ? unpackRepeats(user, row) : []

const bytesOf = (row: Uint8Array): Buffer => Buffer.from(row.buffer, row.byteOffset, row.byteLength)

/** Where messages with this id stand, in whatever inbox; reads everything. */
export function* trace(tables: Tables, id: MessageId): Generator<MessageTrace> {
  const forms = formsOf([id])
  for (const row of tables.repeats.getRange({})) {
    const recipient = row.key[1] as UserId
    for (const repeat of unlessDamaged(() => matching(recipient, row.value, forms)) ?? []) {
      const { sender, seq, time } = repeat
      if (repeat.id === id) yield { recipient, sender, seq, time }
    }
  }
}

/** Removes about `room` messages of hours before that of `before`; answers how many. */
export function expireRepeats(tables: Tables, before: Millis, room: number): number {
  let removed = 0
  for (const row of tables.repeats.getRange({ end: [hourOf(before), '', 0] })) {
    if (removed >= room) break
    void tables.repeats.remove(row.key)
    removed += unlessDamaged(() => unpackRepeats(row.key[1] as UserId, row.value).length) ?? 1
  }
  return removed
}
