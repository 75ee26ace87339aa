import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { Lanes } from '../lanes.ts'
import { openSettings } from '../settings.ts'
import type { Typed } from '../typing.ts'
import type { SessionLimits } from './types.ts'

/** How far a device has come in. */
type Phase = 'new' | 'checking' | 'attaching' | 'open'
const phases: readonly Phase[] = ['new', 'checking', 'attaching', 'open']

/** Where a flag has what. */
const bits = { phase: 3, away: 4, siblings: 8 }
/** The lowest bit that is the host's. */
export const hostBit = 16

/** What a session has for a while, or few of them have at all. */
class More {
  /** Until it is answered. */
  hello: Extract<ClientFrame, readonly ['hello', ...unknown[]]> | null = null
  /** The token of the upgrade, until hello. */
  token: string | null = null
  /** Frames to send at the end of this lap; null for none. */
  out: ServerFrame[] | null = null
  /** null until the first send. */
  lanes: Lanes | null = null
  watches: Set<UserId> | null = null
  settings: Settings = openSettings
  /** null until the first time. */
  typed: Typed | null = null

  get isNothing(): boolean {
    const { hello, token, out, lanes, watches, settings, typed } = this
    return (hello ?? token ?? out ?? lanes ?? watches ?? typed) === null && settings === openSettings
  }
}
const nothing: Readonly<More> = new More()

/**
 * What a session keeps. It belongs to the machine, which changes it in place. There is one for each connected user: what is so or not is a
 * bit, what most of them do not have is in one field, which is null at rest, and numbers stay whole, as one with a fraction takes 16
 * bytes more.
 */
export class SessionState {
  flags = 0
  user: UserId | null = null
  device: DeviceId | null = null
  /** The last frame of any kind, and the last that shows a person; 0: none has. By the monotonic clock. */
  aliveAt: Millis
  activeAt: Millis = 0
  /** Thousandths of frames that may come now; refilled by time, below zero while the device floods. */
  tokens: number
  more: More | null = null

  constructor(limits: SessionLimits, now: Millis) {
    this.aliveAt = now
    this.tokens = limits.framesPerSecond * 2_000
  }

  get phase(): Phase {
    return phases[this.flags & bits.phase] as Phase
  }
  set phase(phase: Phase) {
    this.flags = (this.flags & ~bits.phase) | phases.indexOf(phase)
  }

  /** The app is in the background: the person does not count as here. */
  get away(): boolean {
    return (this.flags & bits.away) !== 0
  }
  set away(away: boolean) {
    this.flag(bits.away, away)
  }

  /** The user has other devices. */
  get siblings(): boolean {
    return (this.flags & bits.siblings) !== 0
  }
  set siblings(siblings: boolean) {
    this.flag(bits.siblings, siblings)
  }

  get hello(): More['hello'] {
    return (this.more ?? nothing).hello
  }
  set hello(hello: More['hello']) {
    this.some.hello = hello
    this.settle()
  }

  get token(): string | null {
    return (this.more ?? nothing).token
  }
  set token(token: string | null) {
    this.some.token = token
    this.settle()
  }

  get out(): ServerFrame[] | null {
    return (this.more ?? nothing).out
  }
  set out(out: ServerFrame[] | null) {
    this.some.out = out
    this.settle()
  }

  get lanes(): Lanes | null {
    return (this.more ?? nothing).lanes
  }
  set lanes(lanes: Lanes | null) {
    this.some.lanes = lanes
    this.settle()
  }

  get watches(): Set<UserId> | null {
    return (this.more ?? nothing).watches
  }
  set watches(watches: Set<UserId> | null) {
    this.some.watches = watches
    this.settle()
  }

  get settings(): Settings {
    return (this.more ?? nothing).settings
  }
  set settings(settings: Settings) {
    this.some.settings = settings
    this.settle()
  }

  get typed(): Typed | null {
    return (this.more ?? nothing).typed
  }
  set typed(typed: Typed | null) {
    this.some.typed = typed
    this.settle()
  }

  private get some(): More {
    this.more ??= new More()
    return this.more
  }

  private settle(): void {
    if (this.more?.isNothing) this.more = null
  }

  protected flag(bit: number, is: boolean): void {
    this.flags = is ? this.flags | bit : this.flags & ~bit
  }
}
