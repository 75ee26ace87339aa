/** Who may do what in a group, and who is in it. */
import { expect, it } from 'vitest'
import type { Change } from '../../../src/protocol/group.ts'
import { answer, copies, of, one, team } from './team.ts'

it('a group that was not made takes nothing; who makes it is its admin', () => {
  const { post, durable, asks, stands } = team([])
  expect(answer(post('ann'))).toBe('unknown_group')
  post('ann', 'Team', 'create')
  expect(answer(durable())).toBe(1)
  expect(one(asks('ann'), 'members')).toMatchObject({ name: 'Team', admins: ['ann'], members: ['ann'] })
  expect(answer(post('ann', 'Other', 'create')), 'only once').toBe('no_change')
  expect(answer(stands('ann'))).toBe(2)
})

it('only members write, and only admins change the group', () => {
  const { post, stands } = team()
  expect(answer(post('dan'))).toBe('not_a_member')
  expect(answer(stands('ben'))).toBe(2)
  for (const [body, change] of [
    ['New', 'rename'],
    ['dan', 'add'],
    ['cat', 'remove'],
    ['cat', 'promote'],
    ['5', 'history'],
    ['temporary', 'lifetime'],
  ] as [string, Change][])
    expect(answer(post('ben', body, change)), change).toBe('not_an_admin')
})

it('a change that changes nothing is refused', () => {
  const { post } = team()
  for (const [body, change] of [
    ['ben', 'add'],
    ['dan', 'remove'],
    ['ann', 'promote'],
    ['ben', 'demote'],
    ['default', 'lifetime'],
  ] as [string, Change][])
    expect(answer(post('ann', body, change)), change).toBe('no_change')
})

it('a group has no more members than it may, those that are invited among them', () => {
  const { post, stands } = team(['ann', 'ben', 'cat'], 5)
  expect(answer(post('ann', 'dan\neva\nfay', 'add'))).toBe('too_many_members')
  stands('ann', 'dan', 'add', () => false)
  expect(answer(post('ann', 'eva\nfay', 'add'))).toBe('too_many_members')
  stands('ann', 'eva', 'add')
  expect(answer(post('ann', 'fay', 'add'))).toBe('too_many_members')
})

it('who is added gets what comes from then on, and as much of what came before as the group says', () => {
  const { stands, read } = team()
  expect(copies(read(stands('ann', 'dan', 'add')))).toEqual([['dan', 2]])
  stands('ann', '1', 'history')
  stands('ann', 'hi')
  expect(copies(read(stands('ann', 'eva', 'add')))).toEqual([
    ['eva', 4],
    ['eva', 5],
  ])
})

it('who is to be asked gets an invitation, is no member, and may join', () => {
  const { stands, post, asks, durable } = team()
  stands('ann', 'dan', 'add', () => false)
  expect(one(asks('ann'), 'members').members).toEqual(['ann', 'ben', 'cat'])
  expect(answer(post('dan'))).toBe('not_a_member')
  post('dan', '', 'join')
  expect(answer(durable())).toBe(3)
  expect(one(asks('dan'), 'members').members).toEqual(['ann', 'ben', 'cat', 'dan'])
})

it('an invitation that was taken back is none', () => {
  const { stands, post } = team()
  stands('ann', 'dan', 'add', () => false)
  stands('ann', 'dan', 'remove')
  expect(answer(post('dan', '', 'join'))).toBe('not_a_member')
})

it('who has left is asked before they are added again, whatever their settings', () => {
  const { stands, post } = team()
  stands('ben', '', 'leave')
  expect(one(post('ann', 'ben\ndan', 'add'), 'consult').users).toEqual(['dan'])
})

it('who was removed gets the entry that says so, and nothing after it', () => {
  const { stands, post } = team()
  expect(copies(stands('ann', 'cat', 'remove'))).toEqual([
    ['ann', 2],
    ['ben', 2],
    ['cat', 2],
  ])
  expect(copies(stands('ann'))).toEqual([['ben', 3]])
  expect(answer(post('cat'))).toBe('not_a_member')
})

it('without an admin the eldest member becomes one', () => {
  const { stands, asks } = team(['ben', 'cat', 'ann'])
  stands('ann', 'dan', 'add')
  stands('ann', '', 'leave')
  expect(one(asks('ben'), 'members').admins).toEqual(['ben'])
})

it('a change decides on what was sent after it: until it stands that waits', () => {
  const { post, durable } = team()
  post('ann', 'cat', 'remove')
  expect(post('cat')).toEqual([])
  const effects = durable()
  expect(of(effects, 'answer').map(({ ticket, answer }) => [ticket, answer.is])).toEqual([
    [1, 'accepted'],
    [2, 'refused'],
  ])
})

it('where nobody knows who is to be asked, the change is refused for now, and what waited goes on', () => {
  const { post, tell, durable } = team()
  const { ticket } = one(post('ann', 'dan', 'add'), 'consult')
  expect(post('ben')).toEqual([])
  expect(answer(tell({ is: 'consulted', ticket, open: null }))).toBe('busy')
  expect(answer(durable())).toBe(2)
})

it('who asks and is no member is told nothing', () => {
  const { asks, asksTicks } = team()
  expect(asks('dan')).toEqual([{ do: 'refuse', session: 3, kind: 'members', code: 'not_a_member' }])
  expect(asksTicks('dan', 1)).toEqual([{ do: 'refuse', session: 3, kind: 'ticks', code: 'not_a_member' }])
  expect(team([]).asks('dan')).toMatchObject([{ code: 'unknown_group' }])
})
