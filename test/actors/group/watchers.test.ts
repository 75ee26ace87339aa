/** Who has a group open, and is told who types there. */
import { expect, it } from 'vitest'
import { rest } from '../../../actors/group/group.ts'
import { team } from './team.ts'

const typing = (watcher: number) => ({ do: 'typing', watcher, by: 'ann', what: 1 })

it('the other members that watch are told who types', () => {
  const { watches, types } = team()
  expect(watches(1, 'ann')).toEqual([{ do: 'watching', session: 1 }])
  watches(2, 'ben')
  watches(3, 'ben')
  expect(types('ann')).toEqual([typing(2), typing(3)])
})

it('who is no member neither watches nor types', () => {
  const { watches, types } = team()
  expect(watches(4, 'dan')).toEqual([{ do: 'refuse', session: 4, kind: 'watch', code: 'not_a_member' }])
  watches(2, 'ben')
  expect(types('dan')).toEqual([])
})

it('who has left is told nothing, though they watch', () => {
  const { watches, types, stands } = team()
  watches(2, 'ben')
  watches(3, 'cat')
  stands('cat', '', 'leave')
  expect(types('ann')).toEqual([typing(2)])
})

it('a session that watches again is told once, and one that does not watch any more not at all', () => {
  const { watches, types, tell } = team()
  watches(2, 'ben')
  watches(2, 'ben')
  expect(types('ann')).toEqual([typing(2)])
  tell({ is: 'unwatch', session: 2 })
  expect(types('ann')).toEqual([])
})

it('a group that is watched stays in memory', () => {
  const { watches, tell, state } = team(['ann'])
  watches(1, 'ann')
  expect(rest(state)).toBe('keep')
  tell({ is: 'unwatch', session: 1 })
  expect(rest(state)).toBe('drop')
})
