/** How entries of an inbox become frames, for a device that reads them and for one that asks for the history. */
import { expect, it } from 'vitest'
import { pastFrame, pushEntries } from '../../src/hosts/frames.ts'
import type { Carrier, Entry } from '../../src/protocol/entry.ts'
import type { GroupId, MediaRef, MessageId, UserId } from '../../src/protocol/ids.ts'
import { copy, message, user } from '../contracts/store.ts'

const bob = user('bob')
const media: MediaRef = { media: 'hash', type: 'image/png', size: 5 }
const place = { group: '#tea' as GroupId, epoch: 3, at: 9 }
const gone = (seq: number): Entry => ({ is: 'gone', seq, time: 1 })
const from = (entry: Entry, more: object = {}): Carrier => ({ ...entry, ...more }) as Carrier

function frames(...entries: readonly Entry[]): unknown[] {
  const pushed: unknown[] = []
  pushEntries(entries, (frame) => pushed.push(frame))
  return pushed
}

it('what is gone comes in runs, each in its place, so that a device counts on without a hole', () => {
  const kinds = frames(gone(1), gone(2), gone(3), message(4), gone(5), message(6), gone(7), gone(8)) as unknown[][]
  expect(kinds.map(([kind, seq, last]) => (kind === 'gone' ? `gone ${seq}-${last}` : `${kind} ${seq}`))).toEqual([
    'gone 1-3',
    'message 4',
    'gone 5-5',
    'message 6',
    'gone 7-8',
  ])
  expect(frames()).toEqual([])
})

it('a message is as short as what it carries, and each part stands in its own place', () => {
  const { id } = message(1) as Extract<Entry, { is: 'message' }>
  const head = ['message', 1, id, 'alice', 5, 'hi']
  const plain = message(1, 5, 'hi')
  expect(frames(plain)).toEqual([head])
  expect(frames(from(plain, { media }))).toEqual([[...head, media]])
  expect(frames(from(plain, { place }))).toEqual([[...head, null, place]])
  expect(frames(from(plain, { lifetime: 'temporary' }))).toEqual([[...head, null, null, 'temporary']])
  expect(frames(from(plain, { change: 'rename', place }))).toEqual([[...head, null, place, null, 'rename']])
  const all = { media, place, lifetime: 'temporary', change: 'lifetime' }
  expect(frames(from(plain, all))).toEqual([[...head, media, place, 'temporary', 'lifetime']])
})

it('an own copy says where the message stands with whom it was sent to', () => {
  const mine = copy(2) as Extract<Entry, { is: 'copy' }>
  const head = ['copy', 2, mine.id, 'dave', mine.time, 'mine', 5, 8]
  expect(frames(mine)).toEqual([head])
  expect(frames(from(mine, { media }))).toEqual([[...head, media]])
  expect(frames(from(mine, { lifetime: 'permanent' }))).toEqual([[...head, null, 'permanent']])
  expect(frames(from(mine, { change: 'lifetime' }))).toEqual([[...head, null, null, 'lifetime']])
})

it('ticks, reads and deletions are frames with the seq of their entry', () => {
  expect(
    frames(
      { is: 'receipt', seq: 1, time: 1, peer: user('carol'), epoch: 9, delivered: 3, read: 2 },
      { is: 'seen', seq: 2, time: 1, chat: user('carol'), upTo: 7 },
      { is: 'deleted', seq: 3, time: 1, chat: user('carol'), from: 1, upTo: 6 },
    ),
  ).toEqual([
    ['receipt', 1, 'carol', 9, 3, 2],
    ['seen', 2, 'carol', 7],
    ['deleted', 3, 'carol', 1, 6],
  ])
})

it('the history of a user names who wrote a message: themselves where it is their own copy, which says where it stands', () => {
  const id = (entry: Entry) => (entry as { id: MessageId }).id
  const got = from(message(4, 5, 'hi'), { media, place })
  expect(pastFrame('r', bob, got)).toEqual(['past', 'r', 4, id(got), 'alice', 5, 'hi', media, 0, 0, place, null])
  const sent = from(copy(6), { change: 'lifetime' })
  const { time } = sent
  expect(pastFrame('r', bob as UserId, sent)).toEqual([
    'past',
    'r',
    6,
    id(sent),
    'bob',
    time,
    'mine',
    null,
    5,
    8,
    null,
    'lifetime',
  ])
})
