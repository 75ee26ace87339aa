import type { ClientFrame } from '../../src/protocol/frames.ts'
import type { DeviceId, Millis, UserId } from '../../src/protocol/ids.ts'
import type { Settings } from '../../src/protocol/settings.ts'
import type { Lanes } from '../lanes.ts'
import { openSettings } from '../settings.ts'
import type { Typed } from '../typing.ts'
import type { SessionLimits } from './types.ts'

/**
 * What a session keeps. It belongs to the machine, which changes it in place. There is one for each connected user: what most
 * of them do not have is null, and numbers stay whole, as one with a fraction takes 16 bytes more.
 */
export class SessionState {
  phase: 'new' | 'checking' | 'attaching' | 'open' = 'new'
  user: UserId | null = null
  device: DeviceId | null = null
  hello: Extract<ClientFrame, readonly ['hello', ...unknown[]]> | null = null
  /** The last frame of any kind, and the last that shows a person; 0: none has. By the monotonic clock. */
  aliveAt: Millis
  activeAt: Millis = 0
  /** The app is in the background: the person does not count as here. */
  away = false
  /** Thousandths of frames that may come now; refilled by time, below zero while the device floods. */
  tokens: number
  /** null until the first send. */
  lanes: Lanes | null = null
  watches: Set<UserId> | null = null
  siblings = false
  settings: Settings = openSettings
  /** null until the first time. */
  typed: Typed | null = null

  constructor(limits: SessionLimits, now: Millis) {
    this.aliveAt = now
    this.tokens = limits.framesPerSecond * 2_000
  }
}
