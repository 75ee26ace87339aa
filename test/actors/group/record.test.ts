/** The record of a group: what it keeps beside its log, and when. */
import { expect, it } from 'vitest'
import { recover, rest } from '../../../actors/group/group.ts'
import { of, one, team } from './team.ts'

it('is written 2 s after something changed, once for all that changed', () => {
  const { stands, timer } = team()
  expect(of(stands('ann', 'New', 'rename'), 'after')).toContainEqual({ do: 'after', ms: 2_000, timer: 'record' })
  expect(of(stands('ann', '7', 'history'), 'after')).not.toContainEqual({ do: 'after', ms: 2_000, timer: 'record' })
  expect(one(timer('record'), 'record').record).toMatchObject({ seq: 3, name: 'New', history: 7 })
})

it('has who was invited and who has left, and how far each member is', () => {
  const { stands, timer, marks } = team()
  stands('ann', 'dan', 'add', () => false)
  stands('cat', '', 'leave')
  marks('ben', 2, 1)
  const { record } = one(timer('record'), 'record')
  expect(record).toMatchObject({ invited: ['dan'], left: ['cat'] })
  expect(record.members.find(({ user }) => user === 'ben')).toMatchObject({ delivered: 2, read: 1 })
})

it('one is written at a time, and what changed meanwhile with the next', () => {
  const { stands, timer, tell } = team()
  stands('ann', 'New', 'rename')
  timer('record')
  stands('ann', 'Newer', 'rename')
  expect(timer('record')).toEqual([])
  expect(of(tell({ is: 'recorded', ok: true }), 'after')).toContainEqual({ do: 'after', ms: 2_000, timer: 'record' })
  expect(one(timer('record'), 'record').record).toMatchObject({ seq: 3, name: 'Newer' })
})

it('that could not be written is written again', () => {
  const { stands, timer, tell } = team()
  stands('ann', 'New', 'rename')
  timer('record')
  expect(of(tell({ is: 'recorded', ok: false }), 'after')).toContainEqual({ do: 'after', ms: 2_000, timer: 'record' })
  expect(one(timer('record'), 'record').record).toMatchObject({ name: 'New' })
})

it('keeps the group awake until it is written', () => {
  const { stands, state } = team(['ann'])
  stands('ann')
  expect(rest(state)).toBe('busy')
})

it('what a crashed group had taken and not answered comes before what waited for it', () => {
  const { post, state } = team()
  post('ann')
  post('ann', 'cat', 'remove')
  post('ben')
  const again = recover(state, [{ is: 'resume' }])
  expect(again.map((message) => ('ticket' in message ? message.ticket : message.is))).toEqual([1, 2, 3, 'resume'])
})

it('what a crashed group had asked for reaches nobody', () => {
  const { state } = team()
  const mail = [
    { is: 'resume' },
    { is: 'recorded', ok: true },
    { is: 'fanned', copies: [] },
    { is: 'consulted', ticket: 1, open: [] },
    { is: 'timer', timer: 'record' },
  ] as const
  expect(recover(state, mail)).toEqual([{ is: 'resume' }])
})
