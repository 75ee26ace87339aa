/** Who comes in: the one place where a token becomes somebody, for sockets and for HTTP. */
import type { CloseCode } from '../protocol/codes.ts'
import { type DeviceId, isId, isUserId, type Millis, type UserId } from '../protocol/ids.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Clock } from '../runtime/index.ts'
import type { OnFault } from './faults.ts'
import type { Authenticate, Identity } from './ports.ts'

/** Whom a token stands for. `device` null: the client names it. `expiresIn` null: it does not expire. */
export type Entrant = {
  readonly user: UserId
  readonly device: DeviceId | null
  readonly expiresIn: Millis | null
}
/** Why nobody comes in. */
type Refusal = Extract<CloseCode, 'bad_token' | 'banned' | 'unavailable'>
export type Enter = (...args: Parameters<Authenticate>) => Promise<Entrant | Refusal>

type Context = {
  readonly authenticate: Authenticate
  readonly banned: (user: UserId) => boolean
  readonly limits: Limits
  readonly clock: Clock
  readonly onFault: OnFault
}

/**
 * Times of a token are of the wall clock. They are looked at once, here: what is left of them is measured by the other clock, so
 * that one which is set ends nobody's session.
 */
export function entrance({ authenticate, banned, limits, clock, onFault }: Context): Enter {
  return async (token, client) => {
    let identity: Identity | undefined
    try {
      identity = await authenticate(token, client)
    } catch {
      return 'unavailable'
    }
    if (!identity) return 'bad_token'
    const { user, device = null, expires } = identity
    if (!isUserId(user, limits.idLength) || !(device === null || isId(device, limits.idLength))) return 'bad_token'
    if (banned(user)) return 'banned'
    if (expires === undefined) return { user, device: device as DeviceId | null, expiresIn: null }
    if (!isTime(expires)) {
      onFault({ where: 'authenticate', error: new TypeError(`expires must be ms since 1970, not ${expires}`) })
      return 'unavailable'
    }
    const expiresIn = expires - clock.now()
    return expiresIn > 0 ? { user, device: device as DeviceId | null, expiresIn } : 'bad_token'
  }
}

/** Seconds since 1970, which a program takes for them, are less for thousands of years. */
const isTime = (time: unknown): boolean => typeof time === 'number' && time >= 100_000_000_000
