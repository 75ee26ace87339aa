/** Runs a session: performs its effects on a link, a storage and a clock, and tells it what comes of them. */
import { jsonCodec } from '../protocol/json.ts'
import type { Beneath } from './beneath.ts'
import { type Clock, timesOf } from './clock.ts'
import { BluetickError, ClosedError, StorageError } from './errors.ts'
import type { HttpLink } from './http-link.ts'
import { Keeper } from './keeper.ts'
import { Link } from './link.ts'
import { hangUps, retryTime } from './session/connection.ts'
import { nextWake, receive, type SessionState, startSession } from './session/session.ts'
import type { SessionEffect, SessionMessage } from './session/types.ts'
import { memoryStorage, type Storage } from './storage.ts'
import type { ConnectionStatus, ConnectOptions } from './types.ts'
import { webSocketTransport } from './websocket.ts'

/** The effects that are for the program. */
export type News = Extract<SessionEffect, { do: 'tell' | 'presence' | 'arrived' | 'answered' }>

/** Milliseconds by which the two clocks may differ without anybody having set one. */
const setMs = 500

/** Events of a browser whose network is back, or whose page is seen again: it may have slept for days. Each comes to the window, and often all of them. */
const wakings = ['online', 'pageshow', 'visibilitychange'] as const

/** By storage, or by its place: the client of this program that has it. */
const holders = new Map<Storage | string, Host>()

export class Host {
  readonly session: SessionState
  readonly keeper: Keeper
  /** Resolves when the storage was read, or could not be: then the session has ended. */
  readonly loaded: Promise<void>
  readonly #options: ConnectOptions
  readonly #clock: Clock
  readonly #beneath: Beneath
  readonly #news: (news: News) => void
  readonly #mail: SessionMessage[] = []
  readonly #woken = () => {
    if (!globalThis.document?.hidden) this.hear({ is: 'retry' })
  }
  #holds = false
  #performing = false
  #link: Link | undefined
  /** Counts the tries to connect: what comes late of an earlier one means nothing. */
  #dials = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #cancelWake = () => {}
  #released: Promise<void> | undefined

  constructor(options: ConnectOptions, clock: Clock, http: HttpLink, news: (news: News) => void) {
    this.#options = options
    this.#clock = clock
    this.#news = news
    const { device = null, background = false } = options
    this.session = startSession({ device, background, random: () => clock.random() })
    const { storage = memoryStorage(), codec = jsonCodec, transport = webSocketTransport, e2ee } = options
    const beneath = { storage, codec, transport }
    this.#beneath = e2ee?.around(beneath, http) ?? beneath
    this.keeper = new Keeper(this.#beneath.storage, (error) => this.#storageFailed(error))
    this.loaded = this.#load().then(
      (kept) => this.hear({ is: 'loaded', kept }),
      (error) => this.#storageFailed(error),
    )
    for (const sign of wakings) globalThis.addEventListener?.(sign, this.#woken)
  }

  /** The same object until it changes. While it waits, the time of the next try is another one when somebody has set the clock. */
  get status(): ConnectionStatus {
    const { session } = this
    if (session.status.is !== 'waiting') return session.status
    const retryAt = retryTime(session, timesOf(this.#clock))
    if (Math.abs(retryAt - session.status.retryAt) >= setMs) session.status = { ...session.status, retryAt }
    return session.status
  }

  /** Why nothing works any more; undefined while the session lasts. */
  get ended(): BluetickError | undefined {
    const { status } = this.session
    if (status.is !== 'closed') return undefined
    return status.cause instanceof BluetickError ? status.cause : new ClosedError(status.code, status.cause)
  }

  /** Resolves when the storage was read. Rejects when the session has ended. */
  async ready(): Promise<void> {
    await this.loaded
    if (this.ended) throw this.ended
  }

  /** Hands the session a message. What its effects cause comes after all of them. */
  hear(message: SessionMessage): void {
    this.#mail.push(message)
    if (this.#performing) return
    this.#performing = true
    for (let next = this.#mail.shift(); next; next = this.#mail.shift())
      for (const effect of receive(this.session, next, timesOf(this.#clock))) this.#perform(effect)
    this.#performing = false
    if (this.session.status.is === 'closed') void this.release()
    else this.#wakeLater()
  }

  /** Resolves when all is written and the storage is free for others. To be called of a session that has ended. */
  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #release(): Promise<void> {
    this.#cancelWake()
    for (const sign of wakings) globalThis.removeEventListener?.(sign, this.#woken)
    await this.loaded
    await this.keeper.written().catch(() => undefined)
    if (!this.#holds) return
    try {
      await this.#beneath.storage.close()
    } finally {
      if (holders.get(this.#place) === this) holders.delete(this.#place)
    }
  }

  /** Waits for a client that has ended and is still writing: a page that mounts twice, or is reloaded in place, does not await `close`. */
  async #load(): Promise<ReadonlyMap<string, unknown>> {
    for (let holder = holders.get(this.#place); holder; holder = holders.get(this.#place)) {
      if (holder.ended) await holder.release().catch(() => undefined)
      else if (holder.#beneath.storage === this.#beneath.storage)
        throw new StorageError('storage_in_use', 'another client of this program has this storage')
      // Two that keep in one place: who opens it decides.
      else break
    }
    if (!holders.has(this.#place)) holders.set(this.#place, this)
    this.#holds = true
    const kept = await this.#beneath.storage.load()
    holders.set(this.#place, this)
    return kept
  }

  get #place(): Storage | string {
    return this.#beneath.storage.place ?? this.#beneath.storage
  }

  #perform(effect: SessionEffect): void {
    switch (effect.do) {
      case 'dial':
        return void this.#dial(effect.home)
      case 'renew':
        return void this.#renew()
      case 'say':
        return this.#link?.say(effect.frame)
      case 'hangUp':
        this.#dials += 1
        this.#link?.hangUp(effect.code, effect.reason)
        this.#link = undefined
        return
      case 'keep': {
        const kept = this.keeper.keep(effect.key, effect.value)
        const { then } = effect
        if (then) void kept.then(() => this.hear(then)).catch(() => undefined)
        return
      }
      default:
        return this.#news(effect)
    }
  }

  async #dial(home: string | undefined): Promise<void> {
    this.#dials += 1
    const dial = this.#dials
    const hear = (message: SessionMessage) => {
      if (dial === this.#dials) this.hear(message)
    }
    const { url, token: given } = this.#options
    const { transport, codec } = this.#beneath
    let token: string
    try {
      token = typeof given === 'string' ? given : await given()
    } catch (cause) {
      return hear({ is: 'no_token', cause })
    }
    if (dial !== this.#dials) return
    const lost = (code: number, why?: string) => hear({ is: 'lost', code, why })
    try {
      const to = home === undefined ? url : `${url}${url.includes('?') ? '&' : '?'}node=${encodeURIComponent(home)}`
      this.#link = new Link(transport, to, codec, this.session.limits.frameBytes, {
        opened: () => hear({ is: 'opened', token }),
        heard: (frames) => hear({ is: 'heard', frames }),
        lost,
      })
    } catch (error) {
      lost(hangUps.broken, String(error))
    }
  }

  /** Where there is no other token now, the server ends the link in time, and the next one asks again. */
  async #renew(): Promise<void> {
    const dial = this.#dials
    const { token: given } = this.#options
    if (typeof given === 'string') return
    try {
      const token = await given()
      if (dial === this.#dials) this.hear({ is: 'renewed', token })
    } catch {
      // As above.
    }
  }

  /** One timer. One that is too early does no harm, and saves setting it anew with each message. */
  #wakeLater(): void {
    const times = timesOf(this.#clock)
    const ms = nextWake(this.session, times) ?? Number.POSITIVE_INFINITY
    if (times.monotonic + ms >= this.#wakeAt) return
    this.#cancelWake()
    this.#wakeAt = times.monotonic + ms
    this.#cancelWake = this.#clock.after(ms, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.hear({ is: 'tick' })
    })
  }

  #storageFailed(error: unknown): void {
    const cause =
      error instanceof BluetickError
        ? (error as StorageError)
        : new StorageError('storage_failed', 'the storage cannot be read or written', error)
    this.hear({ is: 'end', code: cause.code, cause })
  }
}
