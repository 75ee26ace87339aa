/** The receiving half: entries in order, each once, and the cursor behind what the application has finished with. */
import { expect, it } from 'vitest'
import { Inbox, isGone } from '../../../src/client/session/inbox.ts'
import type { EntryFrame } from '../../../src/protocol/frames.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'

const message = (seq: number, from = 'ann'): EntryFrame => [
  'message',
  seq,
  `m${seq}` as MessageId,
  from as UserId,
  1,
  'hi',
]
/** Welcomed by a log of the epoch 7 at `seq`. */
function welcomed(seq = 0) {
  const inbox = new Inbox()
  inbox.restore({ epoch: seq === 0 ? 0 : 7, seq, life: 1 })
  inbox.welcome({ epoch: 7, seq, life: 1 }, seq, true, false)
  const seqs = (max = 10) => {
    const held = inbox.hold(max)
    return isGone(held) ? 'gone' : held.map(({ seq }) => seq)
  }
  return { inbox, seqs }
}

it('an entry comes once; one that skips another is a hole', () => {
  const { inbox } = welcomed()
  expect([message(1), message(1), message(3), message(2)].map((frame) => inbox.take(frame))).toEqual([
    'new',
    'repeat',
    'hole',
    'new',
  ])
})

it('the cursor passes only what the application has finished with', () => {
  const { inbox, seqs } = welcomed()
  for (const seq of [1, 2, 3]) inbox.take(message(seq))
  expect(inbox.advance()).toBeUndefined()
  expect(seqs(2)).toEqual([1, 2])
  inbox.finish()
  expect(inbox.advance()).toEqual({ epoch: 7, seq: 2, life: 1 })
  expect(inbox.advance(), 'once').toBeUndefined()
})

it('what the application did not finish with comes again', () => {
  const { inbox, seqs } = welcomed()
  for (const seq of [1, 2]) inbox.take(message(seq))
  expect(seqs(1)).toEqual([1])
  inbox.putBack()
  expect(seqs()).toEqual([1, 2])
})

it('entries that are no messages hold up nothing', () => {
  const { inbox } = welcomed()
  inbox.take(['seen', 1, 'ann' as UserId, 1])
  expect(inbox.advance()?.seq).toBe(1)
})

it('the server is told of a cursor once the storage has it, and of none that is older', () => {
  const { inbox } = welcomed(4)
  expect(inbox.stored({ epoch: 7, seq: 6, life: 1 })).toBe(true)
  expect(inbox.stored({ epoch: 7, seq: 5, life: 1 })).toBe(false)
  expect(inbox.stored({ epoch: 6, seq: 9, life: 1 })).toBe(false)
  expect(inbox.safe.seq).toBe(6)
})

it('what is deleted and was not handed out never is; the application is told to drop it', () => {
  const { inbox, seqs } = welcomed()
  for (const [seq, from] of [
    [1, 'ann'],
    [2, 'cat'],
    [3, 'ann'],
  ] as const)
    inbox.take(message(seq, from))
  expect(inbox.take(['deleted', 4, 'ann' as UserId, 1, 3])).toBe('new')
  expect(seqs()).toEqual([2])
  inbox.finish()
  expect(inbox.hold(10)).toMatchObject({ chat: 'ann', from: 1, upTo: 3, seq: 4 })
  expect(inbox.advance()?.seq, 'until it has').toBe(3)
  inbox.finish()
  expect(inbox.advance()?.seq).toBe(4)
})

it('a log that goes on keeps what is here; one that was reset begins anew, and says that entries may be missing', () => {
  const { inbox } = welcomed(4)
  inbox.take(message(5))
  expect(inbox.welcome({ epoch: 7, seq: 4, life: 2 }, 9, true, false)).toBe(false)
  expect([inbox.received, inbox.tail, inbox.safe.life]).toEqual([5, 9, 2])
  expect(inbox.welcome({ epoch: 8, seq: 0, life: 2 }, 3, false, true)).toBe(true)
  expect([inbox.received, inbox.safe.epoch]).toEqual([0, 8])
})
