/** What becomes of a send: its turn, its delivery, its copy, its answer. */
import { expect, it } from 'vitest'
import type { SendFrame } from '../../../src/protocol/frames.ts'
import { accepted, at, id, kinds, opened, refusals, user } from './opened.ts'

const busy = { is: 'refused', code: 'busy' } as const
const sent = { do: 'push', frame: ['sent', id(1), 7, 4, 50] }

it('is answered with its place once the recipient has it', () => {
  const { tell, goes } = opened()
  expect(tell({ is: 'answered', ...goes(1), answer: accepted })).toEqual([sent])
})

it('is answered only after its copy, where the user has other devices', () => {
  const { tell, goes } = opened({}, true)
  const gone = goes(1)
  expect(tell({ is: 'answered', ...gone, answer: accepted })).toEqual([
    { do: 'copy', ...gone, at, time: 50, lifetime: undefined },
  ])
  const copied = { is: 'copied', ...gone, at, time: 50, lifetime: undefined } as const
  expect(refusals(tell({ ...copied, answer: busy }))[0]?.[0], 'it is to come again').toBe('busy')
  expect(tell({ ...copied, ...goes(1), answer: { ...accepted, at: { epoch: 9, seq: 9 } } })).toEqual([sent])
})

it('has a copy from the moment that another device comes', () => {
  const { tell, goes } = opened()
  expect(kinds(tell({ is: 'answered', ...goes(1), answer: accepted }))).toEqual(['push'])
  tell({ is: 'siblings' })
  expect(kinds(tell({ is: 'answered', ...goes(2), answer: accepted }))).toEqual(['copy'])
})

it('has a copy for the own history of a permanent chat, and for a lifetime that both must know', () => {
  const { tell, goes, says } = opened()
  const answer = { ...accepted, lifetime: 'permanent' } as const
  expect(tell({ is: 'answered', ...goes(1), answer })).toMatchObject([{ do: 'copy', lifetime: 'permanent' }])
  const change: SendFrame = ['send', id(2), user('ben'), 'temporary', false, null, 'lifetime']
  const [, deliver] = says(change)
  if (deliver?.do !== 'deliver') throw new Error('it was not delivered')
  expect(kinds(tell({ is: 'answered', send: change, step: deliver.step, answer: accepted }))).toEqual(['copy'])
})

it('has no copy where it goes to oneself: it comes to all devices anyway', () => {
  const { tell, goes } = opened({}, true)
  expect(kinds(tell({ is: 'answered', ...goes(1, 'ann'), answer: accepted }))).toEqual(['push'])
})

it('that was refused for now is to come no earlier than its answer says, and holds up what follows it to that recipient', () => {
  const { tell, goes, send } = opened()
  const [first, other] = [goes(1), goes(2, 'cat')]
  expect(refusals(tell({ is: 'answered', ...first, answer: { ...busy, retryAfter: 700 } }))).toEqual([['busy', 700]])
  expect(refusals(send(3)), 'm1 comes first').toHaveLength(1)
  expect(kinds(tell({ is: 'answered', ...other, answer: accepted })), 'cat is another').toEqual(['push'])
  expect(kinds(send(1))).toContain('deliver')
  expect(kinds(send(3))).toContain('deliver')
})

it('that was refused for good lets those behind it go', () => {
  const { tell, goes, send } = opened()
  expect(refusals(tell({ is: 'answered', ...goes(1), answer: { is: 'refused', code: 'blocked' } }))).toEqual([
    ['blocked', 0],
  ])
  expect(kinds(send(2))).toContain('deliver')
})

it('beyond those that may be under way is refused for now, and goes once one of them is answered', () => {
  const { tell, goes, send } = opened()
  const first = goes(1)
  goes(2)
  goes(3, 'cat')
  expect(refusals(send(4, 'dan'))[0]?.[0]).toBe('busy')
  tell({ is: 'answered', ...first, answer: accepted })
  expect(kinds(send(4, 'dan'))).toContain('deliver')
})

it('above the rate is refused with the time when it may come, and then goes', () => {
  const { tell, send, goes } = opened({}, false, { framesPerSecond: 1, sendsInFlight: 10 })
  // The hello was the first frame of two.
  tell({ is: 'answered', ...goes(1), answer: accepted })
  const [refusal] = refusals(send(2))
  expect(refusal?.[0]).toBe('rate_limited')
  expect(kinds(send(2, 'ben', refusal?.[1]))).toContain('deliver')
})

it('of a lifetime for which the own settings have no room is refused before the other side has it', () => {
  const known = ['cat', 'dan'].map((chat) => ({ chat: user(chat), lifetime: 'temporary', time: 1, id: id(9) }) as const)
  const { says, send } = opened({ lifetimes: known })
  const change = (to: string): SendFrame => ['send', id(1), user(to), 'temporary', false, null, 'lifetime']
  const effects = says(change('ben'))
  expect(refusals(effects)).toEqual([['list_full', 0]])
  expect(kinds(effects)).not.toContain('deliver')
  expect(kinds(says(change('cat'))), 'of a chat that is listed it can be changed').toContain('deliver')
  expect(kinds(send(2)), 'nothing is held up').toContain('deliver')
})

it('that its recipient refuses for now is not charged', () => {
  const { tell, goes, state } = opened()
  const { tokens } = state
  tell({ is: 'answered', ...goes(1), answer: busy })
  expect(state.tokens).toBe(tokens)
})
