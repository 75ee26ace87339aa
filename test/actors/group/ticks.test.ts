/** Ticks of many: delivered when all the others have it, read when all have read it. */
import { expect, it } from 'vitest'
import { of, one, team, ticked } from './team.ts'

/** Ann has sent the entry 2, and everybody's inbox has it. */
function sent(names?: string[]) {
  const it = team(names)
  it.answers(it.stands('ann'))
  return it
}

it('a message is delivered when the last of the others has it, and read when the last has read it', () => {
  const { marks, timer } = sent()
  marks('ben', 2)
  expect(ticked(timer('ticks'))).toEqual([])
  marks('cat', 2, 2)
  expect(ticked(timer('ticks'))).toEqual([['ann', 2, 1]])
  marks('ben', 2, 2)
  expect(ticked(timer('ticks'))).toEqual([['ann', 2, 2]])
})

it('marks that come together are counted once, 50 ms later', () => {
  const { marks } = sent()
  expect(of(marks('ben', 2), 'after')).toContainEqual({ do: 'after', ms: 50, timer: 'ticks' })
  expect(of(marks('cat', 2), 'after')).toEqual([])
})

it('nothing is delivered to a group of one', () => {
  const { stands, marks, timer } = team(['ann'])
  stands('ann')
  marks('ann', 2)
  expect(ticked(timer('ticks'))).toEqual([])
})

it('who has left is not waited for', () => {
  const { marks, timer, stands } = sent()
  marks('ben', 2)
  stands('ann', 'cat', 'remove')
  marks('ben', 3)
  expect(ticked(timer('ticks'))).toEqual([['ann', 3, 1]])
})

it('who comes later is not waited for either', () => {
  const { marks, timer, stands } = sent(['ann', 'ben'])
  stands('ann', 'dan', 'add')
  marks('ben', 2)
  expect(ticked(timer('ticks'))).toEqual([['ann', 2, 1]])
})

it('a sender who has not confirmed is told again after 15 s, and one who has is not', () => {
  const { marks, timer, confirms } = sent(['ann', 'ben'])
  marks('ben', 2, 2)
  expect(of(timer('ticks'), 'after')).toContainEqual({ do: 'after', ms: 15_000, timer: 'retell' })
  expect(ticked(timer('retell'))).toEqual([['ann', 2, 2]])
  confirms('ann', 2, 2)
  expect(timer('retell')).toEqual([])
})

it('a mark is confirmed to its member when the record has it, and not where that could not be written', () => {
  const { marks, timer, tell } = sent(['ann', 'ben'])
  const confirmation = { do: 'tell', user: 'ben', message: { is: 'receipted', peer: '#team', delivered: 2, read: 1 } }
  expect(marks('ben', 2, 1)).not.toContainEqual(confirmation)
  timer('record')
  expect(tell({ is: 'recorded', ok: false })).not.toContainEqual(confirmation)
  timer('record')
  expect(tell({ is: 'recorded', ok: true })).toContainEqual(confirmation)
  expect(marks('ben', 2, 1), 'it is known').toEqual([confirmation])
})

it('a mark that comes while the record is written is confirmed with the next, since this one has it not', () => {
  const { marks, timer, tell } = sent(['ann', 'ben'])
  const confirmation = { do: 'tell', user: 'ben', message: { is: 'receipted', peer: '#team', delivered: 2, read: 1 } }
  marks('ben', 2, 1)
  timer('record')
  marks('ben', 2, 2)
  expect(of(tell({ is: 'recorded', ok: true }), 'tell')).toEqual([confirmation])
  timer('record')
  const next = { ...confirmation, message: { ...confirmation.message, delivered: 2, read: 2 } }
  expect(of(tell({ is: 'recorded', ok: true }), 'tell')).toEqual([next])
})

it('who is no member is confirmed at once, so that they do not repeat it for ever', () => {
  expect(sent().marks('dan', 2)).toMatchObject([
    { do: 'tell', user: 'dan', message: { is: 'receipted', delivered: 2 } },
  ])
})

it('a mark beyond the end of the log is of what is there', () => {
  const { marks, timer, asksTicks } = sent(['ann', 'ben'])
  marks('ben', 90, 90)
  expect(one(asksTicks('ann', 3), 'ticks')).toMatchObject({ delivered: [], read: [] })
  expect(ticked(timer('ticks'))).toEqual([['ann', 2, 2]])
})

it('whom a member has blocked is told nothing of that member', () => {
  const { marks, timer, asksTicks } = sent()
  marks('cat', 2, 2)
  timer('ticks')
  marks('ben', 2, 2, ['ann'])
  expect(one(asksTicks('ann', 2), 'ticks')).toMatchObject({ delivered: ['cat'], read: ['cat'] })
  expect(one(asksTicks('cat', 2), 'ticks')).toMatchObject({ delivered: ['ben'], read: ['ben'] })
})

it('a member hears who has a message, and who has read it', () => {
  const { marks, asksTicks } = sent()
  marks('ben', 2)
  marks('cat', 2, 2)
  expect(asksTicks('ann', 2)).toEqual([{ do: 'ticks', session: 3, at: 2, delivered: ['ben', 'cat'], read: ['cat'] }])
})

it('whom a member has blocked gets ticks by the others, and not by that member', () => {
  const { marks, timer } = sent()
  marks('ben', 2, 1, ['ann'])
  timer('ticks')
  marks('cat', 2, 2)
  expect(ticked(timer('ticks')), 'ann does not learn that ben has not read it').toEqual([['ann', 2, 2]])
})
