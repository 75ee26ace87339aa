/** Typing: what a session passes on, and whom the presence actor tells. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { receive as presence, startPresence } from '../../actors/presence.ts'
import { receive, startSession } from '../../actors/session/session.ts'
import type { SessionMessage } from '../../actors/session/types.ts'
import { openSettings, stance } from '../../actors/settings.ts'
import type { ClientFrame, Typing } from '../../src/protocol/frames.ts'
import type { DeviceId, MessageId, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import { asked } from './turns.ts'

const user = (name: string) => name as UserId
const limits = { framesPerSecond: 10, sendsInFlight: 10, watches: 10, listed: 10 }

function session(settings: Settings = openSettings) {
  const state = startSession(limits, 0)
  const tell = (message: SessionMessage, now = 0) => asked(receive, state, message, { now, limits })
  tell({ is: 'frame', frame: ['hello', null, 'phone', 0, 0, false] })
  tell({ is: 'allowed', user: user('ann'), device: 'phone' as DeviceId })
  tell({ is: 'welcomed', siblings: false, settings })
  const types = (chat: string, what: Typing, now: number) =>
    tell({ is: 'frame', frame: ['typing', user(chat), what] }, now)
  return { tell, types }
}

it('is passed on when it is new, or 2 s old, and counts as the person being here', () => {
  const { tell, types } = session()
  const said = { do: 'typing', chat: 'ben', what: 1 }
  expect(types('ben', 0, 1_000)).toEqual([])
  expect(types('ben', 1, 1_000)).toEqual([{ do: 'active' }, said])
  expect(types('ben', 1, 2_900)).toEqual([])
  expect(types('ben', 1, 3_000)).toContainEqual(said)
  expect(types('ben', 2, 3_100)).toContainEqual({ ...said, what: 2 })
  expect(types('ben', 0, 3_200)).toContainEqual({ ...said, what: 0 })
  expect(types('ben', 0, 9_900)).toEqual([])
  expect(types('cat', 1, 9_900)).toContainEqual({ ...said, chat: 'cat' })
  const id = '00000000-0000-7000-8000-000000000001' as MessageId
  tell({ is: 'frame', frame: ['send', id, user('cat'), 'hi', false] }, 10_000)
  expect(types('cat', 1, 10_100), 'a message has ended it').toContainEqual({ ...said, chat: 'cat' })
})

it('is dropped above the rate without a word, and before the welcome', () => {
  const { types } = session()
  const effects = Array.from({ length: 25 }, (_, n) => types(`user ${n}`, 1, 0)).map((effects) => effects.length)
  expect(effects.filter((count) => count > 0).length).toBeLessThan(20)
  expect(effects.at(-1)).toBe(0)
  const state = startSession(limits, 0)
  const says = (frame: ClientFrame) => asked(receive, state, { is: 'frame', frame }, { now: 0, limits })
  says(['hello', null, 'phone', 0, 0, false])
  expect(says(['typing', user('ben'), 1])).toEqual([])
})

it('is told to the sessions of the other that watch, unless one has blocked the other, and to nobody else', () => {
  const blocks = fc.subarray(['ann', 'ben', 'cat'])
  const watchers = fc.array(fc.constantFrom('ann', 'ben', 'cat'), { maxLength: 5 })
  fc.assert(
    fc.property(blocks, blocks, watchers, (own, theirs, names) => {
      const settings = (blocked: string[], more = {}): Settings => ({
        ...openSettings,
        ...more,
        blocked: blocked as UserId[],
      })
      const times = { now: 0, monotonic: 0 }
      const turn = { ...times, limits: { threshold: 0 } }
      const state = startPresence(user('ann'), 0, [], times, settings(own))
      for (const [index, name] of names.entries()) {
        const watcher = { session: index + 1, user: user(name), stance: stance(settings(theirs), user('ann')) }
        asked(presence, state, { is: 'watch', watcher }, turn)
      }
      const effects = asked(presence, state, { is: 'typing', to: user('ben'), what: 1 }, turn)
      const meant =
        own.includes('ben') || theirs.includes('ann') ? [] : names.flatMap((name, n) => (name === 'ben' ? n + 1 : []))
      expect(effects).toEqual(meant.map((watcher) => ({ do: 'typing', watcher, what: 1 })))
    }),
  )
})
