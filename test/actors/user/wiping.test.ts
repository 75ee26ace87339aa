/** What a user actor does while all that is kept of its user goes. */
import { expect, it } from 'vitest'
import { openSettings } from '../../../actors/settings.ts'
import type { UserEffect } from '../../../actors/user/effects.ts'
import type { DeviceId } from '../../../src/protocol/ids.ts'
import { answers, cursor, inbox, mail, user } from './inbox.ts'

const given = { entries: [1, 2, 3].map((seq) => mail(seq)), cursors: [cursor('phone', 1)], settled: 1 }
const settings = { ...openSettings, blocked: [user('eve')] }
const does = (effects: readonly UserEffect[], what: UserEffect['do']) => effects.filter((effect) => effect.do === what)

/** Operators still want it, as the store says. */
const confirmed = { is: 'wipeConfirmed', isUnderWay: true } as const

it('the devices go, the store is asked when nothing is under way, and whoever asked is told when that is done', () => {
  const { state, tell, deliver, durable } = inbox({ ...given, settings })
  tell({ is: 'attach', session: 7, device: 'phone' as DeviceId, cursor: { epoch: 7, seq: 1 } })
  deliver(4)
  expect(tell({ is: 'wipe', ticket: 50 })).toEqual([{ do: 'confirmWipe' }])
  const begun = tell(confirmed)
  expect(does(begun, 'close')).toEqual([{ do: 'close', session: 7, code: 'disconnected' }])
  expect(does(begun, 'wipe')).toEqual([])
  const asked = durable()
  expect([does(asked, 'answer').length, does(asked, 'wipe').length]).toEqual([1, 1])
  expect(tell({ is: 'wipe', ticket: 51 })).toEqual([])
  const done = tell({ is: 'wiped', ok: true })
  const answer = { is: 'accepted', at: { epoch: 7, seq: 4 }, time: expect.any(Number) }
  expect(does(done, 'answer')).toEqual([50, 51].map((ticket) => ({ do: 'answer', ticket, answer })))
  expect(state).toMatchObject({ settings: openSettings, alone: null, work: null })
  expect(state.log).toMatchObject({ epoch: 7, tail: 4, head: 5, settled: 4, readers: [], waiting: null, unsaved: 0 })
})

it('what comes meanwhile is refused for now, and what its origin sends behind it until that comes again', () => {
  const { tell, deliver } = inbox(given)
  tell({ is: 'wipe', ticket: 50 })
  expect(answers(deliver(4))).toEqual([[4, 'busy']])
  expect(does(tell(confirmed), 'wipe')).toHaveLength(1)
  expect(tell({ is: 'attach', session: 8, device: 'phone' as DeviceId, cursor: null })).toEqual([
    { do: 'close', session: 8, code: 'disconnected' },
  ])
  for (const is of ['ask', 'set', 'ack'] as const) expect(tell({ is, session: 8 } as never)).toEqual([])
  tell({ is: 'wiped', ok: true })
  expect(answers(deliver(5, { nth: 5 }))).toEqual([[5, 'busy']])
  expect(does(deliver(4, { nth: 4, round: 2 }), 'append')).toHaveLength(1)
})

it('a store that fails is asked again a second later, and nobody is told before it has done it', () => {
  const { state, tell } = inbox(given)
  tell({ is: 'wipe', ticket: 50 })
  expect(tell({ ...confirmed, isUnderWay: null })).toEqual([{ do: 'after', ms: 1_000, timer: 'wipe' }])
  expect(tell({ is: 'timer', timer: 'wipe' })).toEqual([{ do: 'confirmWipe' }])
  expect(tell(confirmed)).toEqual([{ do: 'wipe' }])
  expect(tell({ is: 'wiped', ok: false })).toEqual([{ do: 'after', ms: 1_000, timer: 'wipe' }])
  expect(tell({ is: 'wipe', ticket: 51 })).toEqual([])
  expect(tell({ is: 'timer', timer: 'wipe' })).toEqual([{ do: 'wipe' }])
  expect(does(tell({ is: 'wiped', ok: true }), 'answer')).toHaveLength(2)
  expect(state.work).toBe(null)
})

it('whom operators have let in again meanwhile keeps all, and the devices come back', () => {
  const { state, tell, deliver } = inbox({ ...given, settings })
  tell({ is: 'attach', session: 7, device: 'phone' as DeviceId, cursor: { epoch: 7, seq: 1 } })
  for (const ticket of [50, 51]) tell({ is: 'wipe', ticket })
  const refused = { is: 'refused', code: 'refused' }
  expect(tell({ ...confirmed, isUnderWay: false })).toEqual([
    { do: 'close', session: 7, code: 'restarted' },
    ...[50, 51].map((ticket) => ({ do: 'answer', ticket, answer: refused })),
  ])
  expect([state.settings, state.log.head, state.log.readers.length]).toEqual([settings, 1, 1])
  tell({ is: 'detach', session: 7 })
  expect(does(deliver(4), 'append')).toHaveLength(1)
  // An answer that comes late changes nothing.
  expect(tell(confirmed)).toEqual([])
})
