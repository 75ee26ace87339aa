/** Who is online, and who was last seen when, while somebody sets the clock of the node. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type PresenceMessage, receive, startPresence } from '../../actors/presence.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { asked } from './turns.ts'

const day = 86_400_000
const limits = { threshold: 20_000 }
const bob = 'bob' as UserId
const watcher = { session: 9, user: 'ann' as UserId, stance: 'open' } as const
const what = fc.constantFrom('active', 'away', 'gone', 'watch', 'timer')
const script = fc.array(fc.tuple(what, fc.integer({ min: 1, max: 60_000 }), fc.constantFrom(-day, 0, day)), {
  maxLength: 20,
})

function message(is: string, at: number): PresenceMessage {
  if (is === 'active') return { is, session: 1, at }
  if (is === 'gone') return { is, device: { session: 1, activeAt: at - 5, away: false }, at }
  if (is === 'watch') return { is, watcher }
  return is === 'away' ? { is, session: 1 } : { is: 'timer' }
}

/** What a watcher hears; `offs`: whether the clock is set as the script says. */
function hears(steps: readonly (readonly [string, number, number])[], offs: boolean) {
  const start = { now: 100 * day, monotonic: 1 }
  const state = startPresence(bob, 100 * day - 1, [], start)
  let monotonic = 1
  const online: boolean[] = []
  for (const [is, ms, off] of steps) {
    monotonic += ms
    const now = 100 * day + monotonic + (offs ? off : 0)
    for (const effect of asked(receive, state, message(is, monotonic), { now, monotonic, limits })) {
      if (effect.do === 'save') expect(effect.at).toBeLessThanOrEqual(now)
      if (effect.do !== 'notify') continue
      expect(effect.lastSeen ?? 0).toBeLessThanOrEqual(now)
      online.push(effect.online)
    }
  }
  return online
}

it('is online as long with a clock that is set as with one that is right, and last seen no later than now', () => {
  fc.assert(
    fc.property(script, (steps) => {
      expect(hears(steps, true)).toEqual(hears(steps, false))
    }),
  )
})

it('a last seen that a clock was ahead for is put right where it is kept, once', () => {
  const state = startPresence(bob, 200 * day, [], { now: 100 * day, monotonic: 1 })
  const look = (now: number) => asked(receive, state, { is: 'watch', watcher }, { now, monotonic: 1, limits })
  expect(look(100 * day)).toEqual([
    { do: 'save', at: 100 * day, afterMs: 0 },
    { do: 'notify', watcher: 9, online: false, lastSeen: 100 * day },
  ])
  expect(look(101 * day)).toEqual([{ do: 'notify', watcher: 9, online: false, lastSeen: 100 * day }])
})
