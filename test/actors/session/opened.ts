/** A session that a device has opened, for the sentences about it. */
import { receive, startSession } from '../../../actors/session/session.ts'
import type { SessionEffect, SessionMessage } from '../../../actors/session/types.ts'
import { openSettings } from '../../../actors/settings.ts'
import type { BadFrame, ClientFrame } from '../../../src/protocol/frames.ts'
import type { DeviceId, MessageId, UserId } from '../../../src/protocol/ids.ts'
import type { Settings } from '../../../src/protocol/settings.ts'
import { asked } from '../turns.ts'

/** Small limits, so that a few frames meet them. */
export const limits = { framesPerSecond: 10, sendsInFlight: 3, watches: 2, listed: 2 }
export const user = (name: string) => name as UserId
export const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
export const at = { epoch: 7, seq: 4 }
export const accepted = { is: 'accepted', at, time: 50 } as const
export const hello: ClientFrame = ['hello', 'token', 'phone', 7, 3, false]

/** A session at its start, and what it asks for when it is told something. */
export function session(given: Partial<typeof limits> = {}) {
  const turn = { limits: { ...limits, ...given } }
  const state = startSession(turn.limits, 0)
  const tell = (message: SessionMessage, now = 0) => asked(receive, state, message, { ...turn, now })
  const says = (frame: ClientFrame | BadFrame, now = 0) => tell({ is: 'frame', frame }, now)
  const allow = () => tell({ is: 'allowed', user: user('ann'), device: 'phone' as DeviceId, issuedAt: 9 })
  return { state, tell, says, allow }
}

/** The same of ann's phone, once it was welcomed. */
export function opened(settings: Partial<Settings> = {}, siblings = false, given: Partial<typeof limits> = {}) {
  const it = session(given)
  it.says(hello)
  it.allow()
  it.tell({ is: 'welcomed', siblings, settings: { ...openSettings, ...settings } })
  const send = (n: number, to = 'ben', now = 0) => it.says(['send', id(n), user(to), 'hi', false], now)
  /** Lets a send go, and answers how its actor is to answer it. */
  const goes = (n: number, to = 'ben', now = 0) => {
    const deliver = send(n, to, now).find((effect) => effect.do === 'deliver')
    if (!deliver) throw new Error(`m${n} was not delivered`)
    return { send: deliver.send, step: deliver.step }
  }
  return { ...it, send, goes }
}

/** The code and the time of each refusal among effects. */
export const refusals = (effects: readonly SessionEffect[]) =>
  effects.flatMap((effect) =>
    effect.do === 'push' && effect.frame[0] === 'error' ? [[effect.frame[1], effect.frame[4]] as const] : [],
  )
export const kinds = (effects: readonly SessionEffect[]) => effects.map((effect) => effect.do)
