/** Hosts the sessions: decodes what sockets bring, performs what the session machine asks for, and sends once a turn. */
import { toChat, toGroup, toPresence, toUser } from '../../../actors/addresses.ts'
import type { Presence } from '../../../actors/presence.ts'
import { receive, unjudged } from '../../../actors/session/session.ts'
import type { SessionEffect, SessionMessage } from '../../../actors/session/types.ts'
import type { Presented, SessionRef } from '../../../actors/user/types.ts'
import { type CloseCode, closeCodes, errorCodes } from '../../protocol/codes.ts'
import { parseClientFrame, type ServerFrame } from '../../protocol/frames.ts'
import { type Cursor, type DeviceId, isGroup, type Millis, type UserId } from '../../protocol/ids.ts'
import type { ClientLimits } from '../../protocol/limits.ts'
import { never } from '../../protocol/never.ts'
import type { Settings } from '../../protocol/settings.ts'
import type { Clock } from '../../runtime/index.ts'
import type { SessionPort } from '../ports.ts'
import { Entering } from './entering.ts'
import { Refs } from './refs.ts'
import { Sends } from './sends.ts'
import type { Session, SessionsContext } from './session.ts'

/** A session with so many frames to send in one turn gets none that may be lost. */
const crowded = 32

export class Sessions implements SessionPort {
  readonly #context: SessionsContext
  readonly #sessions = new Refs<Session>()
  readonly #clientLimits: ClientLimits
  readonly #sends: Sends
  readonly #clock: Clock
  readonly #entering: Entering
  #dirty: Session[] = []

  constructor(context: SessionsContext) {
    this.#context = context
    this.#clock = context.runtime.clock
    const { frameBytes, bodyBytes, idLength, framesPerSecond, windowEntries, sendsInFlight, watches } = context.limits
    const { heartbeatMs } = context
    this.#sends = new Sends(context, (session, message) => this.#receive(session, message))
    this.#entering = new Entering(this.#sessions, context, {
      receive: (session, message) => this.#receive(session, message),
      push: (session, frame) => this.#push(session, frame),
      close: (session, code) => this.#close(session, code),
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
    this.#context.runtime.wheel.after(this.#context.limits.helloMs, () => this.#receive(session, { is: 'late' }))
  }

  /** One WebSocket message from the client. Its bytes are this node's to keep: bodies stay views of them. */
  incoming(session: Session, data: string | Uint8Array): void {
    if (!session.open || !session.codec) return
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
    if (size > this.#context.limits.frameBytes) return this.#close(session, 'frame_too_large')
    let values: unknown[]
    try {
      values = session.codec.decode(data, true)
    } catch {
      return this.#close(session, 'bad_encoding')
    }
    // What answers at once, as a pong does, goes out while the socket is corked, without a turn of its own.
    const alone = session.out === null
    session.out ??= []
    const effects: SessionEffect[] = []
    for (const value of values) {
      if (!session.open) return
      this.#receive(session, { is: 'frame', frame: parseClientFrame(value, this.#context.limits) }, effects)
    }
    if (alone) this.#flush(session)
  }

  /** The client sent text where its subprotocol has bytes, or the reverse. */
  garbled(session: Session): void {
    this.#close(session, 'bad_encoding')
  }

  /** The socket has closed. `clean`: the client said so; else the link died. */
  ended(session: Session, clean: boolean): void {
    const { ref, user, watches, activeAt, aliveAt, away } = session
    session.open = false
    if (!this.#sessions.delete(ref) || user === null) return
    const { router } = this.#context
    router.tell(toUser(user), { is: 'detach', session: ref })
    for (const watched of watches ?? []) this.#unwatch(watched, ref)
    const at = clean ? this.now : aliveAt
    router.tell(toPresence(user), { is: 'gone', device: { session: ref, activeAt, away }, at })
  }

  push(ref: SessionRef, frame: ServerFrame): void {
    const session = this.#sessions.get(ref)
    if (session) this.#push(session, frame)
  }

  hint(ref: SessionRef, frame: ServerFrame): void {
    const session = this.#sessions.get(ref)
    if (session && (session.out?.length ?? 0) < crowded) this.#push(session, frame)
  }

  welcome(welcome: Parameters<SessionPort['welcome']>[0]): void {
    const session = this.#sessions.get(welcome.session)
    if (!session) return
    const { user, device } = session
    const { epoch, seq, tail, why, siblings, settings } = welcome
    const frame = [
      'welcome',
      user as UserId,
      device as DeviceId,
      epoch,
      seq,
      tail,
      why === null,
      this.#clock.now(),
      this.#clientLimits,
    ] as const
    const { life } = this.#context
    if (life > 0) this.#push(session, [...frame, why, life])
    else this.#push(session, why ? [...frame, why] : frame)
    this.#receive(session, { is: 'welcomed', siblings, settings })
  }

  siblings(ref: SessionRef): void {
    const session = this.#sessions.get(ref)
    if (session) this.#receive(session, { is: 'siblings' })
  }

  wasted(ref: SessionRef): void {
    const session = this.#sessions.get(ref)
    if (session) this.#receive(session, { is: 'wasted' })
  }

  settings(ref: SessionRef, settings: Settings): void {
    const session = this.#sessions.get(ref)
    if (session) this.#receive(session, { is: 'settings', settings })
  }

  close(ref: SessionRef, code: CloseCode): void {
    const session = this.#sessions.get(ref)
    if (session) this.#close(session, code)
  }

  closeUser(user: UserId, code: CloseCode): void {
    for (const session of this.#sessions.all()) if (session.user === user) this.#close(session, code)
  }

  /** Ends the sessions of a user, or of one device; answers how many. Whose token is checked at this moment is not let in by the answer. */
  disconnect(user: UserId, device: DeviceId | undefined, code: CloseCode): number {
    this.#entering.recheck(user)
    const theirs = this.#sessions
      .all()
      .filter((session) => session.open && session.user === user && (device === undefined || session.device === device))
    for (const session of theirs) this.#close(session, code)
    return theirs.length
  }

  /** The restarted actor replays to who was welcomed from the stored cursor: what the client has already it drops. */
  reattach(user: UserId): void {
    for (const session of this.#sessions.all())
      if (session.open && session.user === user) this.#attach(session, unjudged(session))
  }

  closeAll(code: CloseCode): void {
    for (const session of this.#sessions.all()) this.#close(session, code)
  }

  /** Who is connected; with several devices several times. */
  users(): UserId[] {
    return this.#sessions.all().flatMap(({ user }) => user ?? [])
  }

  /** Everyone's devices. */
  *connected(): Generator<readonly [UserId, Presence]> {
    for (const { ref, user, activeAt, away } of this.#sessions.all())
      if (user !== null) yield [user, { session: ref, activeAt, away }]
  }

  presences(refs: readonly SessionRef[]): Presence[] {
    return refs.flatMap((ref) => {
      const session = this.#sessions.get(ref)
      return session ? [{ session: ref, activeAt: session.activeAt, away: session.away }] : []
    })
  }

  #close(session: Session, code: CloseCode): void {
    if (!session.open) return
    this.#flush(session)
    session.open = false
    session.end(closeCodes[code].number, code)
  }

  #push(session: Session, frame: ServerFrame): void {
    if (!session.open) return
    if (!session.out) {
      if (this.#dirty.length === 0) this.#clock.soon(() => this.#flushAll())
      this.#dirty.push(session)
      session.out = []
    }
    session.out.push(frame[0] === 'error' ? explained(frame) : frame)
  }

  #flushAll(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const session of dirty) this.#flush(session)
  }

  #flush(session: Session): void {
    const frames = session.out
    session.out = null
    if (!frames || frames.length === 0 || !session.open || !session.codec) return
    if (session.send(session.codec.encode(frames))) return
    session.open = false
    session.end(closeCodes.too_slow.number, 'too_slow')
  }

  /** `effects`: one list for all frames of a WebSocket message saves one for each. */
  #receive(session: Session, message: SessionMessage, effects: SessionEffect[] = []): void {
    if (!session.open) return
    let at = effects.length
    receive(session, message, { limits: this.#context.limits, now: this.now, effects })
    for (; at < effects.length; at++) this.#perform(session, effects[at] as SessionEffect)
  }

  #perform(session: Session, effect: SessionEffect): void {
    const { router } = this.#context
    const { ref } = session
    const user = session.user as UserId
    switch (effect.do) {
      case 'push':
        return this.#push(session, effect.frame)
      case 'close':
        return this.#close(session, effect.code)
      case 'authenticate':
        return void this.#entering.enter(session, effect.token, effect.device)
      case 'renew':
        return void this.#entering.renew(session, effect.token)
      case 'attach':
        return this.#attach(session, effect.cursor, effect.issuedAt)
      case 'deliver':
        return this.#sends.deliver(session, effect)
      case 'copy':
        return this.#sends.copy(session, effect)
      case 'ack':
        return router.tell(toUser(user), { is: 'ack', session: ref, seq: effect.seq })
      case 'read':
        return router.tell(toUser(user), { is: 'read', session: ref, chat: effect.chat, seq: effect.seq })
      case 'ask':
        return router.tell(toGroup(effect.group), { ...effect.question, session: ref, by: user })
      case 'watch':
        if (isGroup(effect.user)) return router.tell(toGroup(effect.user), { is: 'watch', session: ref, by: user })
        return router.tell(toPresence(effect.user), {
          is: 'watch',
          watcher: { session: ref, user, stance: effect.stance },
        })
      case 'typing':
        if (isGroup(effect.chat))
          return router.hint(toGroup(effect.chat), { is: 'typing', by: user, what: effect.what })
        return router.hint(toPresence(user), { is: 'typing', to: effect.chat, what: effect.what })
      case 'stand':
        return this.#stand(session, effect)
      case 'own':
        return router.tell(toUser(user), { ...effect.message, session: ref })
      case 'unwatch':
        return this.#unwatch(effect.user, ref)
      case 'active':
        return router.tellIfPresent(toPresence(user), { is: 'active', session: ref, at: session.activeAt })
      case 'away':
        return router.tellIfPresent(toPresence(user), { is: 'away', session: ref })
      default:
        return never(effect)
    }
  }

  #attach(session: Session, cursor: Cursor | null, issuedAt?: Millis): void {
    const shown = cursor && this.#context.presented(cursor)
    if (!(shown instanceof Promise)) return this.#attachAt(session, shown, issuedAt)
    shown.then(
      (cursor) => session.open && this.#attachAt(session, cursor, issuedAt),
      () => this.#close(session, 'unavailable'),
    )
  }

  #attachAt({ ref, user, device }: Session, cursor: Presented | null, issuedAt: Millis | undefined): void {
    this.#context.router.tell(toUser(user as UserId), {
      is: 'attach',
      session: ref,
      device: device as DeviceId,
      cursor,
      issuedAt,
    })
  }

  #stand({ ref }: Session, { chat, place }: Extract<SessionEffect, { do: 'stand' }>): void {
    const ask = (at: Presented) =>
      this.#context.router.tell(toChat(chat), { is: 'stand', session: ref, at, life: place.life })
    const shown = this.#context.presented(place)
    if (!(shown instanceof Promise)) return ask(shown)
    shown.then(ask, () => this.push(ref, ['error', 'busy', 'stand', chat, 0, '']))
  }

  #unwatch(chat: UserId, session: SessionRef): void {
    const { router } = this.#context
    if (isGroup(chat)) router.tellIfPresent(toGroup(chat), { is: 'unwatch', session })
    else router.tellIfPresent(toPresence(chat), { is: 'unwatch', watcher: session })
  }
}

/** With its text; and with the time to wait from the table, but for what is told its turn. */
function explained(frame: Extract<ServerFrame, readonly ['error', ...unknown[]]>): ServerFrame {
  const [, code, kind, ref, told] = frame
  const { retryAfter, text } = errorCodes[code]
  const after = code === 'rate_limited' ? told || retryAfter : retryAfter && Math.max(told, retryAfter)
  return ['error', code, kind, ref, after, text]
}
