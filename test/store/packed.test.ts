/** Entries as bytes: of the journal, and of the tables. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/protocol/entry.ts'
import type { GroupId, MessageId } from '../../src/protocol/ids.ts'
import { packEntry, packRepeats, packRow, unpackRow } from '../../src/store/lmdb/packed.ts'
import { packAppend, packAppends, unpackAppends, unpackRepeats } from '../../src/store/lmdb/rows.ts'
import { user } from '../contracts/store.ts'

const seq = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1))
const time = fc.constantFrom(0, 1, 1_764_000_000_000)
/** Of each length that a head of its own tells. */
const name = fc.constantFrom('a', 'é'.repeat(16), 'b'.repeat(31), 'c'.repeat(32), '漢'.repeat(256)).map(user)
const id = fc.uuid().map((id) => id as MessageId)
const body = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array(), fc.constant('x'.repeat(70_000)))
const more = fc.constantFrom(
  {},
  { lifetime: 'permanent' as const },
  { lifetime: 'delivered 5000' as const, expires: 77 },
)
const place = { group: '#friends' as GroupId, epoch: 5, at: 9 }
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc
    .record({ seq, time, id, from: name, body, more })
    .map(({ more, ...rest }): Entry => ({ is: 'message', ...rest, ...more })),
  fc.record({ seq, time, id, from: name, body }).map((rest): Entry => ({ is: 'message', ...rest, place })),
  fc
    .record({ seq, time, id, to: name, body, at: fc.constant({ epoch: 3, seq: 4 }) })
    .map((rest): Entry => ({ is: 'copy', ...rest })),
  fc
    .record({ seq, time, peer: name, epoch: seq, delivered: seq, read: seq })
    .map((rest): Entry => ({ is: 'receipt', ...rest })),
  fc.record({ seq, time, chat: name, upTo: seq }).map((rest): Entry => ({ is: 'seen', ...rest })),
  fc.record({ seq, time }).map((rest): Entry => ({ is: 'gone', ...rest })),
  fc.record({ seq, time, chat: name, from: seq, upTo: seq }).map((rest): Entry => ({ is: 'deleted', ...rest })),
)
const entries = fc.array(entry, { maxLength: 8 })
const owner = user('ann')

describe('an entry as bytes', () => {
  it('is read as it was, in a row and in a record of appends', () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 4 }), (lists) => {
        const appends = lists.map((list, n) => packAppend(user(`u${n}`), n + 1, n + 2, list))
        for (const [n, { entries }] of appends.entries()) expect(unpackRow(packRow(entries))).toEqual(lists[n])
        const found = unpackAppends(packAppends(appends))
        expect(found.map(({ user, epoch, term }) => [user, epoch, term])).toEqual(
          appends.map(({ user, epoch, term }) => [user, epoch, term]),
        )
        for (const [n, { entries }] of found.entries()) expect(unpackRow(packRow(entries))).toEqual(lists[n])
      }),
    )
  })

  it('has what marks a repeat as a part of it', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const repeats = list.flatMap((entry) =>
          'body' in entry
            ? { id: entry.id, sender: entry.is === 'copy' ? owner : entry.from, seq: entry.seq, time: entry.time }
            : [],
        )
        const row = packRepeats(list.map((entry) => packEntry(owner, entry)))
        expect(unpackRepeats(owner, row)).toEqual(repeats)
      }),
    )
  })

  it("is packed once for all copies of a group's message, and by itself for who gets another body or lifetime", () => {
    const common = { is: 'message', time: 7, id: 'm' as MessageId, from: user('bob'), body: 'hi', place } as const
    const [first, second, sealed, kept] = [
      packEntry(owner, { ...common, seq: 1 }),
      packEntry(user('cem'), { ...common, seq: 30, time: 8 }),
      packEntry(user('dan'), { ...common, seq: 1, body: 'for dan' }),
      packEntry(user('eve'), { ...common, seq: 1, lifetime: 'permanent' }),
    ]
    expect(second?.rest).toBe(first?.rest)
    expect(unpackRow(packRow([first, second, sealed, kept]))).toEqual([
      { ...common, seq: 1 },
      { ...common, seq: 30, time: 8 },
      { ...common, seq: 1, body: 'for dan' },
      { ...common, seq: 1, lifetime: 'permanent' },
    ])
  })
})
