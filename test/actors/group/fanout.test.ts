/** From the group's log to each member's inbox: in order, each entry at least once, and no member holds up another. */
import { expect, it } from 'vitest'
import { rest } from '../../../actors/group/group.ts'
import { copies, of, team } from './team.ts'

it('a message is sent when it stands in the log, and then goes to everybody but who sent it', () => {
  const { post, durable } = team()
  expect(of(post('ann'), 'fan')).toEqual([])
  const effects = durable()
  expect(of(effects, 'answer')).toMatchObject([{ ticket: 1, answer: { is: 'accepted', at: { epoch: 7, seq: 2 } } }])
  expect(copies(effects)).toEqual([
    ['ben', 2],
    ['cat', 2],
  ])
})

it('a change goes to everybody, as it is news for the other devices of who made it', () => {
  expect(copies(team().stands('ann', 'New', 'rename'))).toEqual([
    ['ann', 2],
    ['ben', 2],
    ['cat', 2],
  ])
})

it('who is invited gets the name of the group, as an invitation', () => {
  const { stands, read } = team()
  const invited = read(stands('ann', 'dan', 'add', () => false))
  expect(of(invited, 'fan')).toMatchObject([{ member: 'dan', entry: { body: 'Team', change: 'invite' } }])
})

it('copies to a member that is busy are made again half a second later, in order, marked as repeats', () => {
  const { stands, answers, retries } = team(['ann', 'ben'])
  const first = stands('ann')
  const second = stands('ann')
  expect(of(answers(first, 'busy'), 'after'), 'one is under way').toEqual([])
  const { ms, go } = retries(answers(second, 'busy'))
  expect(ms).toBe(500)
  const again = go()
  expect(copies(again)).toEqual([
    ['ben', 2],
    ['ben', 3],
  ])
  for (const { again: repeat } of of(again, 'fan')) expect(repeat).toBe(true)
})

it('what comes while copies wait is not sent ahead of them', () => {
  const { stands, answers, retries } = team(['ann', 'ben'])
  const { go } = retries(answers(stands('ann'), 'busy'))
  expect(copies(stands('ann'))).toEqual([])
  expect(copies(go())).toEqual([
    ['ben', 2],
    ['ben', 3],
  ])
})

it('a member whose inbox is full waits for 5 s, and holds up nobody else', () => {
  const { stands, answers, retries } = team()
  const effects = stands('ann')
  const [ben, cat] = of(effects, 'fan')
  if (!ben || !cat) throw new Error('two copies')
  answers([cat])
  expect(retries(answers([ben], 'inbox_full')).ms).toBe(5_000)
  expect(copies(stands('ann'))).toEqual([['cat', 3]])
})

it('a copy that no actor can ever take is passed over', () => {
  const { stands, answers, state } = team(['ann', 'ben'])
  expect(of(answers(stands('ann'), 'failed'), 'after').map(({ timer }) => timer)).not.toContainEqual({
    link: expect.anything(),
  })
  answers(stands('ann'))
  expect([...state.links.values()].map(({ flying, entries }) => [flying, entries.length])).toEqual([
    [0, 0],
    [0, 0],
  ])
})

it('an answer that comes after the copy was given up counts for nothing', () => {
  const { stands, answers, retries } = team(['ann', 'ben'])
  const first = stands('ann')
  const { go } = retries(answers(first, 'busy'))
  const again = go()
  expect(answers(first)).toEqual([])
  answers(again)
  expect(copies(stands('ann'))).toEqual([['ben', 3]])
})

it('a group does not rest while copies are under way', () => {
  const { stands, answers, timer, tell, state } = team(['ann', 'ben'])
  const effects = stands('ann')
  timer('record')
  tell({ is: 'recorded', ok: true })
  expect(rest(state)).toBe('busy')
  answers(effects)
  expect([...state.links.values()].every(({ flying }) => flying === 0)).toBe(true)
})

it('counts no answer and no timer of a former life of the actor', () => {
  const former = team()
  const copied = of(former.stands('ann'), 'fan')
  const next = team(undefined, undefined, undefined, 'next life')
  const flown = of(next.stands('ann'), 'fan')
  for (const { link, step } of copied)
    next.tell({ is: 'fanned', copies: [{ link: link.ref, step, answer: { is: 'refused', code: 'busy' } }] })
  for (const { link } of copied) next.tell({ is: 'timer', timer: { link: link.ref } })
  expect([...next.state.links.values()].map(({ flying, round }) => [flying, round])).toEqual([
    [0, 1],
    [1, 1],
    [1, 1],
  ])
  next.answers(flown)
  expect([...next.state.links.values()].every(({ flying }) => flying === 0)).toBe(true)
})
