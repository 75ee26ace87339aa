/** Hosts the sessions: decodes what sockets bring, performs what the session machine asks for, and knows who is connected. */
import type { Presence } from '../../../actors/presence.ts'
import type { SessionRef } from '../../../actors/session/ref.ts'
import { pinged, receive, unjudged } from '../../../actors/session/session.ts'
import type { KeysFrame, SessionEffect, SessionMessage } from '../../../actors/session/types.ts'
import { stance } from '../../../actors/settings.ts'
import type { CloseCode } from '../../protocol/codes.ts'
import type { ServerFrame } from '../../protocol/frames.ts'
import type { DeviceId, Millis, UserId } from '../../protocol/ids.ts'
import { parseClientFrame } from '../../protocol/parse.ts'
import { pingOf, pongTo } from '../../protocol/ping.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { ClientLimits } from '../../protocol/told-limits.ts'
import type { Clock } from '../../runtime/index.ts'
import type { SessionPort } from '../ports.ts'
import { Entering } from './entering.ts'
import { type Online, type OnlinePage, onlineAmong } from './online.ts'
import { Output } from './output.ts'
import { Refs } from './refs.ts'
import { frameFor } from './sealed.ts'
import { Sends } from './sends.ts'
import type { Session, SessionsContext } from './session.ts'
import { Telling } from './telling.ts'

const presenceOf = ({ ref, activeAt, away }: Session): Presence => ({ session: ref, activeAt, away })

const gatherMs = 100

export class Sessions implements SessionPort {
  readonly #context: SessionsContext
  readonly #sessions: Refs<Session>
  readonly #clientLimits: ClientLimits
  /** Who came last, and when the first of them did. */
  #comers = { since: Number.NEGATIVE_INFINITY, refs: [] as SessionRef[] }
  readonly #output: Output
  readonly #telling: Telling
  readonly #sends: Sends
  readonly #clock: Clock
  readonly #entering: Entering

  constructor(context: SessionsContext) {
    this.#context = context
    this.#sessions = new Refs<Session>(context.numbers)
    this.#clock = context.runtime.clock
    const { frameBytes, bodyBytes, idLength, framesPerSecond, windowEntries, sendsInFlight, watches } = context.limits
    const { heartbeatMs } = context
    this.#output = new Output(context.runtime.turns, context.counts)
    this.#telling = new Telling(context, this.#output, this.#sessions)
    this.#sends = new Sends(context, (session, message) => this.#receive(session, message))
    this.#entering = new Entering(this.#sessions, context, {
      receive: (session, message) => this.#receive(session, message),
      push: (session, frame) => this.#output.push(session, frame),
      close: (session, code) => this.#output.close(session, code),
    })
    this.#clientLimits = {
      frameBytes,
      bodyBytes,
      idLength,
      framesPerSecond,
      windowEntries,
      sendsInFlight,
      watches,
      heartbeatMs,
    }
  }

  /** The time for sessions, by the monotonic clock. */
  get now(): Millis {
    return this.#clock.monotonic()
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Its reference is set here. */
  open(session: Session): void {
    session.open = true
    this.#sessions.add(session)
    this.#awaitHello(session.ref)
  }

  /** Those who come within so many milliseconds share a timer: one each took 150 bytes. */
  #awaitHello(ref: SessionRef): void {
    if (this.now - this.#comers.since >= gatherMs) {
      const refs: SessionRef[] = []
      this.#comers = { since: this.now, refs }
      this.#context.runtime.wheel.after(this.#context.limits.helloMs + gatherMs, () => {
        for (const ref of refs) this.#tell(ref, { is: 'late' })
      })
    }
    this.#comers.refs.push(ref)
  }

  /** One WebSocket message from the client. Its bytes are this node's to keep: bodies stay views of them. */
  incoming(session: Session, data: string | Uint8Array): void {
    if (!session.open || !session.codec) return
    const ping = pingOf(data)
    if (ping !== undefined) return this.#pinged(session, ping)
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
    this.#context.counts.receivedBytes += size
    if (size > this.#context.limits.frameBytes) return this.#output.close(session, 'frame_too_large')
    let values: unknown[]
    try {
      values = session.codec.decode(data, true)
    } catch {
      return this.#output.close(session, 'bad_encoding')
    }
    const effects: SessionEffect[] = []
    // What answers at once, as a pong does.
    this.#output.corked(session, () => {
      for (const value of values) {
        if (!session.open) return
        this.#receive(session, { is: 'frame', frame: parseClientFrame(value, this.#context.limits) }, effects)
      }
    })
  }

  /** One that came alone. What waits for the end of the lap goes out before the answer. */
  #pinged(session: Session, ping: number): void {
    if (!pinged(session, this.#context.limits, this.now)) this.#output.close(session, 'flooding')
    else if (session.out === null) this.#output.send(session, pongTo(ping))
    else this.#output.push(session, ['pong', ping])
  }

  /** The client sent text where its subprotocol has bytes, or the reverse. */
  garbled(session: Session): void {
    this.#output.close(session, 'bad_encoding')
  }

  /** The socket has closed. `code`: of the WebSocket; 1006: the link died. */
  ended(session: Session, code: number): void {
    const { ref, user, device, aliveAt, address } = session
    session.open = false
    if (!this.#sessions.delete(ref) || user === null) return
    this.#telling.left(session, user, code === 1006 ? aliveAt : this.now)
    this.#context.ended?.(ref)
    this.#context.onEvent?.({ event: 'left', user, device: device as DeviceId, address: address.text, code })
  }

  push(ref: SessionRef, frame: ServerFrame): void {
    const session = this.#sessions.get(ref)
    if (session) this.#output.push(session, frameFor(session, frame))
  }

  hint(ref: SessionRef, frame: ServerFrame): void {
    const session = this.#sessions.get(ref)
    if (session) this.#output.hint(session, frame)
  }

  welcome(welcome: Parameters<SessionPort['welcome']>[0]): void {
    const session = this.#sessions.get(welcome.session)
    if (!session) return
    const { user, device } = session
    const { epoch, seq, tail, why, siblings, settings } = welcome
    session.sealed ||= Boolean(session.hello?.[8])
    const frame = [
      'welcome',
      user as UserId,
      device as DeviceId,
      epoch,
      seq,
      tail,
      why === null,
      this.#clock.now(),
      this.#limitsOf(user as UserId),
    ] as const
    const { life } = this.#context
    if (life > 0) this.#output.push(session, [...frame, why, life])
    else this.#output.push(session, why ? [...frame, why] : frame)
    this.#receive(session, { is: 'welcomed', siblings, settings })
  }

  #limitsOf(user: UserId): ClientLimits {
    const home = this.#context.homeOf?.(user)
    return home === undefined ? this.#clientLimits : { ...this.#clientLimits, home }
  }

  siblings(ref: SessionRef): void {
    this.#tell(ref, { is: 'siblings' })
  }

  wasted(ref: SessionRef): void {
    this.#tell(ref, { is: 'wasted' })
  }

  settings(ref: SessionRef, settings: Settings): void {
    this.#tell(ref, { is: 'settings', settings })
  }

  close(ref: SessionRef, code: CloseCode): void {
    const session = this.#sessions.get(ref)
    if (session) this.#output.close(session, code)
  }

  closeUser(user: UserId, code: CloseCode): void {
    for (const session of this.#sessions.all()) if (session.user === user) this.#output.close(session, code)
  }

  /** Ends the sessions of a user, or of one device; answers how many. Whose token is checked at this moment is not let in by the answer. */
  disconnect(user: UserId, device: DeviceId | undefined, code: CloseCode): number {
    this.#entering.recheck(user)
    const theirs = this.#sessions
      .all()
      .filter((session) => session.open && session.user === user && (device === undefined || session.device === device))
    for (const session of theirs) this.#output.close(session, code)
    return theirs.length
  }

  /** The restarted actor replays to who was welcomed from the stored cursor: what the client has already it drops. */
  reattach(user: UserId): void {
    this.attachAgain((session) => session.user === user, false)
  }

  /** Attaches sessions to their actors, which have started anew. `again`: elsewhere. */
  attachAgain(which: (session: Session) => boolean, again: boolean): void {
    for (const session of this.#sessions.all())
      if (session.open && session.user !== null && which(session))
        this.#telling.attach(session, unjudged(session), undefined, again && session.phase === 'open')
  }

  /** Tells actors that have started elsewhere who watches them. */
  watchAgain(isOf: (id: UserId) => boolean): void {
    for (const session of this.#sessions.all())
      for (const user of session.watches ?? [])
        if (isOf(user)) this.#perform(session, { do: 'watch', user, stance: stance(session.settings, user) })
  }

  closeWhere(which: (session: Session) => boolean, code: CloseCode): void {
    for (const session of this.#sessions.all())
      if (session.user !== null && which(session)) this.#output.close(session, code)
  }

  has(ref: SessionRef): boolean {
    return this.#sessions.get(ref)?.open === true
  }

  /** To the sessions of one device. */
  tell(user: UserId, device: DeviceId, frame: ServerFrame): void {
    for (const session of this.#sessions.all())
      if (session.user === user && session.device === device) this.#output.push(session, frame)
  }

  closeAll(code: CloseCode): void {
    this.closeSome(this.size, code)
  }

  /** Ends so many of the sessions; any. */
  closeSome(count: number, code: CloseCode): void {
    const open = this.#sessions.all().filter((session) => session.open)
    for (const session of open.slice(0, count)) this.#output.close(session, code)
  }

  /** Through which a user is connected. `away`: nobody is looking at it. */
  devicesOf(user: UserId): { readonly device: string; readonly address: string; readonly away: boolean }[] {
    const theirs = this.#sessions.all().filter((session) => session.open && session.user === user)
    return theirs.map(({ device, address, away }) => ({ device: device ?? '', address: address.text, away }))
  }

  /** Who is connected; with several devices several times. */
  users(): UserId[] {
    return this.#sessions.all().flatMap(({ user }) => user ?? [])
  }

  online(page: OnlinePage): Online {
    return onlineAmong(this.users(), page)
  }

  /** Devices whose person may have been seen since that was saved. */
  *stirring(): Generator<readonly [UserId, Presence]> {
    for (const session of this.#sessions.marked()) if (session.user) yield [session.user, presenceOf(session)]
  }

  /** All that is known of a device is saved: it stirs again by what its person does. */
  settled(ref: SessionRef): void {
    this.#sessions.mark(ref, false)
  }

  presences(refs: readonly SessionRef[]): Presence[] {
    return refs.flatMap((ref) => {
      const session = this.#sessions.get(ref)
      return session ? [presenceOf(session)] : []
    })
  }

  /** A session, where it is still there. */
  #tell(ref: SessionRef, message: SessionMessage): void {
    const session = this.#sessions.get(ref)
    if (session) this.#receive(session, message)
  }

  /** `effects`: one list for all frames of a WebSocket message saves one for each. */
  #receive(session: Session, message: SessionMessage, effects: SessionEffect[] = []): void {
    if (!session.open) return
    let at = effects.length
    receive(session, message, { limits: this.#context.limits, now: this.now, effects })
    for (; at < effects.length; at++) this.#perform(session, effects[at] as SessionEffect)
  }

  async #keys(session: Session, frame: KeysFrame): Promise<void> {
    const asker = { user: session.user as UserId, device: session.device as DeviceId }
    const answer = await this.#context.keys(asker, frame)
    if (session.open) this.#output.push(session, answer)
  }

  #perform(session: Session, effect: SessionEffect): void {
    switch (effect.do) {
      case 'push':
        return this.#output.push(session, effect.frame)
      case 'close':
        return this.#output.close(session, effect.code)
      case 'authenticate':
        return void this.#entering.enter(session, effect.token, effect.device)
      case 'renew':
        return void this.#entering.renew(session, effect.token)
      case 'deliver':
        return this.#sends.deliver(session, effect)
      case 'copy':
        return this.#sends.copy(session, effect)
      case 'keys':
        return void this.#keys(session, effect.frame)
      default:
        return this.#telling.perform(session, effect)
    }
  }
}
