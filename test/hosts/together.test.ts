/** What a user's actor tells peers and devices in one turn. */
import { expect, it } from 'vitest'
import type { UserEffect } from '../../actors/user/effects.ts'
import { together } from '../../src/hosts/together.ts'
import type { UserId } from '../../src/protocol/ids.ts'

const told = (peer: string, delivered: number, read: number, more: object = {}): UserEffect => {
  const message = {
    is: 'receipt',
    from: 'bob' as UserId,
    epoch: 7,
    delivered,
    read,
    again: false,
    awaited: false,
  } as const
  return { do: 'tell', user: peer as UserId, message: { ...message, ...more } }
}
const other: UserEffect = { do: 'live', session: 1, seq: 3 }

it('is one receipt for each, where the first stood, with all that was told', () => {
  const [first, last] = [told('ann', 5, 0), told('cat', 2, 2)]
  expect(together([first, other, last, told('ann', 0, 4), told('ann', 5, 5)])).toEqual([told('ann', 5, 5), other, last])
})

it('is certainly new where a part of it is, and awaited where a part is', () => {
  expect(together([told('ann', 5, 0), told('ann', 5, 5, { again: true, awaited: true })])).toEqual([
    told('ann', 5, 5, { awaited: true }),
  ])
  expect(together([told('ann', 5, 0, { again: true }), told('ann', 5, 5, { again: true })])).toEqual([
    told('ann', 5, 5, { again: true }),
  ])
})

it('is not what was told of the log by its former name', () => {
  const effects = [told('ann', 5, 0), told('ann', 1, 1, { epoch: 8 }), told('ann', 2, 2, { epoch: 8 })]
  expect(together(effects)).toEqual([told('ann', 5, 0), told('ann', 2, 2, { epoch: 8 })])
})

it('is left as it is where there is one', () => {
  const effects = [told('ann', 5, 0), other]
  expect(together(effects)).toBe(effects)
})

it('answers the reads of one chat by one device once', () => {
  const done = (session: number, chat: string, seq: number): UserEffect => ({
    do: 'done',
    session,
    chat: chat as UserId,
    seq,
  })
  const effects = [done(1, 'ann', 3), done(2, 'ann', 3), done(1, 'ann', 5), other, done(1, 'ann', 4), done(1, 'cat', 1)]
  expect(together(effects)).toEqual([done(1, 'ann', 5), done(2, 'ann', 3), other, done(1, 'cat', 1)])
})
