/** How sessions come in, and stay in: their tokens are checked, and asked for again before they expire. */

import type { SessionRef } from '../../../actors/session/ref.ts'
import type { SessionMessage } from '../../../actors/session/types.ts'
import { answerMs } from '../../embed/deadline.ts'
import type { CloseCode, ErrorCode } from '../../protocol/codes.ts'
import type { ServerFrame } from '../../protocol/frames.ts'
import type { DeviceId, UserId } from '../../protocol/ids.ts'
import type { Entrant } from './entrance.ts'
import { Expiry } from './expiry.ts'
import type { Refs } from './refs.ts'
import type { Session, SessionsContext } from './session.ts'

type Context = Pick<SessionsContext, 'runtime' | 'enter' | 'onEvent'>
type Port = {
  readonly receive: (session: Session, message: SessionMessage) => void
  readonly push: (session: Session, frame: ServerFrame) => void
  readonly close: (session: Session, code: CloseCode) => void
}

export class Entering {
  readonly #context: Context
  readonly #port: Port
  readonly #expiry: Expiry
  /** Sessions whose next token is being checked. */
  readonly #renewing = new Set<SessionRef>()
  /** Checks begin in this order; what a check before that of `#rechecks` answers of that user does not count. */
  #checks = 0
  readonly #rechecks = new Map<UserId, number>()

  constructor(sessions: Refs<Session>, context: Context, port: Port) {
    const { clock, wheel } = context.runtime
    this.#context = context
    this.#port = port
    this.#expiry = new Expiry(sessions, {
      wheel,
      now: () => clock.monotonic(),
      ask: (session, leftMs) => port.push(session, ['renew', leftMs]),
      end: (session) => port.close(session, 'expired'),
    })
  }

  /** Checks the token of a `hello`, or that of the upgrade where it has none. */
  async enter(session: Session, token: string | null, device: DeviceId | null): Promise<void> {
    const shown = token ?? session.token
    session.token = null
    const entrant = await this.#check(session, shown, device)
    if (!entrant) return
    const { user, expiresIn, issuedAt } = entrant
    this.#expiry.set(session.ref, expiresIn)
    const named = entrant.device ?? device ?? ('default' as DeviceId)
    this.#context.onEvent?.({ event: 'entered', user, device: named, address: session.address.text })
    this.#port.receive(session, { is: 'allowed', user, device: named, issuedAt })
  }

  /** Takes another token of the same user and device for the one that is about to expire. */
  async renew(session: Session, token: string): Promise<void> {
    const { ref } = session
    if (!this.#expiry.asked(ref)) return this.#refuse(session, 'bad_frame')
    if (this.#renewing.has(ref)) return this.#refuse(session, 'busy')
    this.#renewing.add(ref)
    const entrant = await this.#check(session, token, session.device)
    this.#renewing.delete(ref)
    if (!entrant) return
    const { user, device, expiresIn } = entrant
    if (user !== session.user || (device ?? session.device) !== session.device)
      return this.#port.close(session, 'bad_token')
    this.#expiry.set(ref, expiresIn)
    this.#port.push(session, ['done', 'token', '', 0])
  }

  /** Tokens of a user that are being checked are to be checked again. */
  recheck(user: UserId): void {
    this.#checks += 1
    const now = this.#checks
    this.#rechecks.set(user, now)
    this.#context.runtime.wheel.after(2 * answerMs, () => {
      if (this.#rechecks.get(user) === now) this.#rechecks.delete(user)
    })
  }

  /** Undefined: the session has ended, or is closed. One that is in already stays until its token is over where none can be checked. */
  async #check(session: Session, token: string | null, device: DeviceId | null): Promise<Entrant | undefined> {
    this.#checks += 1
    const began = this.#checks
    const answer = await this.#context.enter(token, { device, address: session.address.text })
    if (!session.open) return undefined
    const waits = answer === 'unavailable' || answer === 'too_many_attempts'
    if (waits && session.user !== null) this.#refuse(session, 'busy')
    else if (typeof answer === 'string') this.#port.close(session, answer)
    else if ((this.#rechecks.get(answer.user) ?? 0) > began) this.#port.close(session, 'disconnected')
    else return answer
    return undefined
  }

  #refuse(session: Session, code: ErrorCode): void {
    this.#port.push(session, ['error', code, 'token', null, 0, ''])
  }
}
