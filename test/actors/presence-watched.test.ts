/** What those who watch a user are told, and what is kept of when the user was last here. */
import { expect, it } from 'vitest'
import { type PresenceMessage, receive, rest, startPresence } from '../../actors/presence.ts'
import { openSettings } from '../../actors/settings.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { asked } from './turns.ts'

const day = 86_400_000
const user = (name: string) => name as UserId
const watch = (session: number, name = 'ann'): PresenceMessage => ({
  is: 'watch',
  watcher: { session, user: user(name), stance: 'open' },
})
const gone = (session: number, activeAt: number, at: number, away = false): PresenceMessage => ({
  is: 'gone',
  device: { session, activeAt, away },
  at,
})

/** Bob's presence; the time of day is a day ahead of the monotonic clock. */
function bob(threshold = 20_000, saved = 0) {
  const state = startPresence(user('bob'), saved, [], { now: day + 1, monotonic: 1 })
  const tell = (message: PresenceMessage, monotonic = 1) =>
    asked(receive, state, message, { now: day + monotonic, monotonic, limits: { threshold } })
  return { state, tell }
}
const online = (watcher: number) => ({ do: 'notify', watcher, online: true, lastSeen: null })
const offline = (watcher: number, at: number | null) => ({
  do: 'notify',
  watcher,
  online: false,
  lastSeen: at && day + at,
})

it('who watches is told how it is, and then each time that it changes', () => {
  const { tell } = bob()
  expect(tell(watch(5))).toEqual([offline(5, null)])
  expect(tell({ is: 'active', session: 1, at: 100 }, 100)).toContainEqual(online(5))
  expect(tell({ is: 'active', session: 1, at: 200 }, 200), 'nothing has changed').not.toContainEqual(online(5))
  expect(tell({ is: 'away', session: 1 }, 300)).toEqual([offline(5, 200)])
})

it('a user is here until the threshold after what they did last, and counts as seen then', () => {
  const { tell } = bob()
  tell(watch(5))
  expect(tell({ is: 'active', session: 1, at: 100 }, 100)).toContainEqual({ do: 'after', ms: 20_000 })
  tell({ is: 'active', session: 1, at: 5_100 }, 5_100)
  expect(tell({ is: 'timer' }, 20_100), 'something was done since').toEqual([{ do: 'after', ms: 5_000 }])
  expect(tell({ is: 'timer' }, 25_100)).toEqual([offline(5, 5_100)])
})

it('without a threshold a user is here while a device is connected', () => {
  const { tell } = bob(0)
  tell(watch(5))
  tell({ is: 'active', session: 1, at: 100 }, 100)
  expect(tell({ is: 'timer' }, day)).toEqual([])
  expect(tell(gone(1, 100, 900), 900)).toContainEqual(offline(5, 900))
})

it('one device that is here is enough', () => {
  const { tell } = bob()
  tell(watch(5))
  tell({ is: 'active', session: 1, at: 100 }, 100)
  tell({ is: 'active', session: 2, at: 200 }, 200)
  expect(tell({ is: 'away', session: 1 }, 300)).toEqual([])
  expect(tell({ is: 'away', session: 2 }, 400)).toEqual([offline(5, 200)])
})

it('who leaves while they are here was seen then; who was away, when they did something last', () => {
  const { tell } = bob()
  tell({ is: 'active', session: 1, at: 100 }, 100)
  expect(tell(gone(1, 100, 5_000), 5_000)).toEqual([{ do: 'save', at: day + 5_000, afterMs: 0 }])
  const other = bob()
  other.tell({ is: 'active', session: 1, at: 100 }, 100)
  expect(other.tell(gone(1, 100, 60_000), 60_000)).toEqual([{ do: 'save', at: day + 100, afterMs: 0 }])
})

it('what could not be saved is saved again 5 s later, and what is saved is not', () => {
  const { tell, state } = bob()
  tell({ is: 'active', session: 1, at: 100 }, 100)
  tell(gone(1, 100, 100), 100)
  expect(rest(state)).toBe('busy')
  expect(tell({ is: 'saved', ok: false }, 200)).toEqual([{ do: 'save', at: day + 100, afterMs: 5_000 }])
  expect(tell({ is: 'saved', ok: true }, 200)).toEqual([])
  expect(rest(state)).toBe('drop')
})

it('who does not watch any more is told nothing, and while anybody watches it stays', () => {
  const { tell, state } = bob()
  tell(watch(5))
  tell(watch(6, 'cat'))
  tell({ is: 'unwatch', watcher: 5 })
  expect(rest(state)).toBe('keep')
  expect(tell({ is: 'active', session: 1, at: 100 }, 100)).toMatchObject([online(6), { do: 'after' }])
  tell({ is: 'unwatch', watcher: 6 }, 100)
  expect(rest(state)).toBe('drop')
})

it('from whom a user hides, they are neither online nor seen, ever', () => {
  const { tell } = bob(20_000, day)
  tell({ is: 'settings', settings: { ...openSettings, lastSeen: 'nobody' } })
  expect(tell(watch(5))).toEqual([offline(5, null)])
  expect(tell({ is: 'active', session: 1, at: 100 }, 100)).not.toContainEqual(online(5))
  expect(tell(watch(6, 'bob'), 100), 'oneself one sees').toContainEqual(online(6))
})
