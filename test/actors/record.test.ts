import { expect, it } from 'vitest'
import { awayReader, startLog } from '../../actors/log/state.ts'
import type { LogState } from '../../actors/log/types.ts'
import { openSettings } from '../../actors/settings.ts'
import { packUser, unpackUser } from '../../actors/user/record.ts'
import type { UserState } from '../../actors/user/state.ts'
import { startUser } from '../../actors/user/state.ts'
import type { DeviceId, UserId } from '../../src/protocol/ids.ts'

const bob = 'bob' as UserId
const phone = {
  ...awayReader('phone' as DeviceId, 7, 1_700_000_000_000),
  session: 12,
  phase: 'live',
  toldLive: true,
} as const
const log: LogState = { ...startLog(bob, undefined, 5), tail: 9, unsaved: 3, saveTimed: true, readers: [phone] }
const state: UserState = { ...startUser(bob, undefined, 5), log }
const logged = (more: Partial<LogState>) => ({ log: { ...log, ...more } })

it('brings a user who hibernated back as they were', () => {
  expect(unpackUser(bob, packUser(state))).toEqual(state)
  const changed = { ...state, settings: { ...openSettings, receipts: false } }
  expect(unpackUser(bob, packUser(changed))).toEqual(changed)
  const waiting = { temporary: 3, delivered: 0, read: 0 }
  for (const waits of [
    { ...state, ...logged({ waiting }) },
    { ...changed, ...logged({ waiting }) },
  ])
    expect(unpackUser(bob, packUser(waits))).toEqual(waits)
  expect(unpackUser(bob, packUser({ ...state, ...logged({ waiting }) })).settings).toBe(openSettings)
  const lives = [
    { term: 1, from: 1 },
    { term: 40, from: 1_000_000 },
  ]
  for (const known of [{ lives }, { lives, was: 7 }, { was: 7, waiting }])
    expect(unpackUser(bob, packUser({ ...state, ...logged(known) }))).toEqual({ ...state, ...logged(known) })
})

it('keeps a user with one device in few bytes', () => {
  expect(packUser(state).length).toBeLessThanOrEqual(40)
  const fresh = {
    ...startUser(bob, undefined, 5),
    log: { ...startLog(bob, undefined, 2 ** 31 - 1), readers: [{ ...phone, session: 19_000 }] },
  }
  expect(packUser(fresh).length).toBeLessThanOrEqual(40)
  expect(unpackUser(bob, packUser(fresh))).toEqual(fresh)
  for (const readers of [[], [awayReader('tv' as DeviceId, 0, 0), phone]])
    expect(unpackUser(bob, packUser({ ...state, ...logged({ readers }) }))).toEqual({
      ...state,
      ...logged({ readers }),
    })
  expect(packUser({ ...state, settings: { ...openSettings, receipts: false } })).not.toMatch(/lifetimes|waiting|tags/)
  const tags = [{ chat: '#team' as UserId, tags: 'muted=1\tpinned=2' }]
  const tagged = { ...state, settings: { ...openSettings, tags } }
  expect(unpackUser(bob, packUser(tagged))).toEqual(tagged)
})
