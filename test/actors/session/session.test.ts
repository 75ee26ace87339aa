/** What a device may do when, and what becomes of each frame. */
import { expect, it } from 'vitest'
import { openSettings } from '../../../actors/settings.ts'
import type { ClientFrame, SendFrame } from '../../../src/protocol/frames.ts'
import type { DeviceId } from '../../../src/protocol/ids.ts'
import { hello, id, kinds, opened, refusals, session, user } from './opened.ts'

const send: SendFrame = ['send', id(1), user('ben'), 'hi', false]

it('before its hello a device gets an answer to pings, and to nothing else', () => {
  const { says } = session()
  expect(says(['ping', 3])).toEqual([{ do: 'push', frame: ['pong', 3] }])
  for (const frame of [send, ['ack', 1], ['watch', user('ben')]] as ClientFrame[])
    expect(refusals(says(frame)), frame[0]).toEqual([['not_welcome_yet', 0]])
})

it('a hello is judged by its token and device, and attaches with the cursor that it shows', () => {
  const { says, allow } = session()
  expect(says(hello)).toEqual([{ do: 'authenticate', token: 'token', device: 'phone' }])
  expect(allow()).toEqual([{ do: 'attach', cursor: { epoch: 7, seq: 3, life: 0, seen: 0 }, issuedAt: 9 }])
  const fresh = session()
  fresh.says(['hello', null, null, 0, 0, false])
  expect(fresh.allow()).toEqual([{ do: 'attach', cursor: null, issuedAt: 9 }])
})

it('a second hello is an error, and judges nobody', () => {
  const { says } = session()
  says(hello)
  expect(refusals(says(hello))).toEqual([['bad_frame', 0]])
  expect(refusals(opened().says(hello))).toEqual([['bad_frame', 0]])
})

it('between hello and welcome a send is refused for now, and all else until then', () => {
  const { says } = session()
  says(hello)
  expect(refusals(says(send))[0]?.[0]).toBe('busy')
  expect(refusals(says(['read', user('ben'), 1]))).toEqual([['not_welcome_yet', 0]])
})

it('who says no hello in time is closed; who has said it is not', () => {
  expect(session().tell({ is: 'late' })).toEqual([{ do: 'close', code: 'hello_late' }])
  const { says, tell } = session()
  says(hello)
  expect(tell({ is: 'late' })).toEqual([])
})

it('at rest a session keeps nothing of what it has for a while only', () => {
  const { says, state, tell, allow } = session()
  says(hello)
  allow()
  tell({ is: 'welcomed', siblings: false, settings: openSettings })
  expect(state.more).toBe(null)
  says(['watch', user('ben')])
  tell({ is: 'settings', settings: { ...openSettings, lastSeen: 'nobody' } })
  expect([[...(state.watches ?? [])], state.settings.lastSeen]).toEqual([['ben'], 'nobody'])
  says(['unwatch', user('ben')])
  tell({ is: 'settings', settings: openSettings })
  expect([state.more, state.phase, state.away, state.siblings]).toEqual([null, 'open', false, false])
})

it('a person counts as here by what they do, and not by what their app does in the background', () => {
  const { says, state } = opened()
  for (const frame of [send, ['read', user('ben'), 2], ['typing', user('ben'), 1], ['active', true]] as ClientFrame[])
    expect(kinds(says(frame, 100)), frame[0]).toContain('active')
  for (const frame of [
    ['ack', 1],
    ['ping', 1],
    ['watch', user('ben')],
    ['ask', 'settings'],
  ] as ClientFrame[])
    expect(kinds(says(frame, 200)), frame[0]).not.toContain('active')
  expect(state.activeAt).toBe(100)
  expect(says(['active', false], 300)).toEqual([{ do: 'away' }])
})

it('a device that connects in the background is welcomed as away', () => {
  const { says, allow, tell, state } = session()
  says(['hello', 'token', 'phone', 0, 0, true])
  allow()
  const { settings } = state
  expect(tell({ is: 'welcomed', siblings: false, settings })).toEqual([{ do: 'away' }])
  expect(state.activeAt).toBe(0)
})

it('a frame that is not valid is answered by its code and its name', () => {
  const { says } = opened()
  expect(says({ bad: 'too_large', kind: 'send', ref: id(1) })).toEqual([
    { do: 'push', frame: ['error', 'too_large', 'send', id(1), 0, ''] },
  ])
})

it('an ack, a read and what a device asks for go to the actors they are for', () => {
  const { says } = opened()
  const team = user('#team') as unknown as Extract<ClientFrame, readonly ['members', ...unknown[]]>[1]
  expect(says(['ack', 5])).toEqual([{ do: 'ack', seq: 5 }])
  expect(says(['read', user('ben'), 4])).toContainEqual({ do: 'read', chat: 'ben', seq: 4 })
  expect(says(['members', team])).toEqual([{ do: 'ask', group: team, question: { is: 'members' } }])
  expect(says(['ticks', team, 3])).toEqual([{ do: 'ask', group: team, question: { is: 'ticks', at: 3 } }])
  expect(says(['ask', 'devices'])).toEqual([{ do: 'own', message: { is: 'ask', what: 'devices' } }])
  expect(says(['remove', 'tv' as DeviceId])).toEqual([{ do: 'own', message: { is: 'remove', device: 'tv' } }])
  expect(says(['token', 'next'])).toEqual([{ do: 'renew', token: 'next' }])
})

it('history from the end has no position, and else the one that was named', () => {
  const { says } = opened()
  const own = (seq: number) => says(['history', 'h1', user('ben'), 90, seq, 20])
  const message = { is: 'history', ref: 'h1', chat: 'ben', limit: 20 }
  expect(own(0)).toEqual([{ do: 'own', message: { ...message, before: null } }])
  expect(own(8)).toEqual([{ do: 'own', message: { ...message, before: { time: 90, seq: 8 } } }])
})
