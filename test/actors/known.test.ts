/** Receipts that a sender's inbox has already. */
import { expect, it } from 'vitest'
import type { UserEffect } from '../../actors/user/effects.ts'
import type { UserMessage } from '../../actors/user/messages.ts'
import { startUser } from '../../actors/user/state.ts'
import { receive } from '../../actors/user/user.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { limits } from './limits.ts'
import { asked } from './turns.ts'

const bob = 'bob' as UserId
const of = (effects: readonly UserEffect[], ...kinds: string[]) => effects.filter((effect) => kinds.includes(effect.do))
const receipt = (seq: number, delivered: number, read: number, epoch = 7): Entry => ({
  is: 'receipt',
  seq,
  time: 1,
  peer: bob,
  epoch,
  delivered,
  read,
})

/** The actor of ann, who is offline, and whose inbox holds these receipts. */
function actor(entries: readonly Entry[]) {
  const tail = entries.length
  const record = { epoch: 3, head: 1, tail, lastTime: 1, cursors: [], settled: 0, waiting: null, lives: [], was: 0 }
  const state = startUser('ann' as UserId, tail ? record : undefined, 3)
  const tell = (message: UserMessage): readonly UserEffect[] => asked(receive, state, message, { now: 2_000, limits })
  const hear = (delivered: number, read: number, again: boolean, epoch = 7) =>
    tell({ is: 'receipt', from: bob, epoch, delivered, read, again })
  const write = () => tell({ is: 'timer', timer: 'receipts' })
  const page = (found: readonly Entry[] | null = entries) =>
    tell({ is: 'scanned', what: 'known', from: 1, entries: found })
  return { state, tell, hear, write, page }
}
const confirmed = (delivered: number, read: number) => ({
  do: 'tell',
  user: bob,
  message: { is: 'receipted', peer: 'ann', delivered, read },
})

it('are looked for where they may have been told before, and make no entry where they are found', () => {
  const { state, hear, write, page } = actor([receipt(1, 5, 0), receipt(2, 5, 5)])
  hear(5, 5, true)
  expect(write()).toEqual([{ do: 'scan', what: 'known', from: 1, limit: 32, bytes: Number.MAX_SAFE_INTEGER }])
  expect(page()).toEqual([confirmed(5, 5)])
  expect(state.work?.early.size).toBe(0)
  expect(hear(4, 5, true), 'from here on it is known').toEqual([confirmed(5, 5)])
})

it('become an entry where they say more, are of another log, or are new for certain', () => {
  for (const [delivered, read, epoch] of [
    [6, 5, 7],
    [5, 6, 7],
    [5, 5, 8],
  ] as const) {
    const { hear, write, page } = actor([receipt(1, 5, 5)])
    hear(delivered, read, true, epoch)
    write()
    expect(of(page(), 'append')).toMatchObject([{ entries: [{ is: 'receipt', epoch, read }] }])
  }
  const { hear, write } = actor([receipt(1, 5, 5)])
  hear(6, 0, false)
  expect(of(write(), 'append', 'scan')).toMatchObject([{ do: 'append', entries: [{ delivered: 6, read: 0 }] }])
})

it('are told by the entry that is being written, and wait for a store that does not answer', () => {
  const { tell, hear, write, page } = actor([])
  hear(1, 1, false)
  expect(of(write(), 'append')).toHaveLength(1)
  expect(hear(1, 1, true), 'its entry is on the way').toEqual([])
  expect(tell({ is: 'appended', first: 1, last: 1 })).toContainEqual(confirmed(1, 1))
  hear(2, 2, true)
  expect(of(write(), 'scan')).toHaveLength(1)
  expect(of(write(), 'scan'), 'one look at a time').toEqual([])
  expect(page(null)).toEqual([{ do: 'after', ms: 1_000, timer: 'receipts' }])
  expect(of(write(), 'scan')).toHaveLength(1)
})
