/** Who comes in: the one place where a token becomes somebody, for sockets and for HTTP. */

import { type NodeRouter, toUser } from '../../../actors/addresses.ts'
import { refusal } from '../../../actors/removals.ts'
import { isKnown } from '../../../actors/user/devices.ts'
import { type Authenticate, type Identity, inMillis } from '../../embed/authenticate.ts'
import type { OnEvent } from '../../embed/events.ts'
import type { OnFault } from '../../embed/faults.ts'
import type { CloseCode } from '../../protocol/codes.ts'
import { type DeviceId, isId, isUserId, type Millis, type UserId } from '../../protocol/ids.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { ClockFace } from '../../runtime/index.ts'
import { Buckets } from '../buckets.ts'

/** Whom a token stands for. `device` null: the client names it. `expiresIn` null: it does not expire. */
export type Entrant = {
  readonly user: UserId
  readonly device: DeviceId | null
  readonly expiresIn: Millis | null
  /** Undefined: it does not say. */
  readonly issuedAt: Millis | undefined
}
/** Why nobody comes in. */
type Refusal = Extract<CloseCode, 'bad_token' | 'banned' | 'unavailable' | 'too_many_attempts'>
export type Enter = (...args: Parameters<Authenticate>) => Promise<Entrant | Refusal>

type Context = {
  readonly authenticate: Authenticate
  readonly banned: (user: UserId) => boolean
  readonly limits: Limits
  readonly clock: ClockFace
  readonly onFault: OnFault
  readonly onEvent?: OnEvent | undefined
}

/**
 * Times of a token are of the wall clock. They are looked at once, here: what is left of them is measured by the other clock, so
 * that one which is set ends nobody's session.
 */
export function entrance({ authenticate, banned, limits, clock, onFault, onEvent }: Context): Enter {
  const attempts = new Buckets(limits.wrongTokensPerMinute, 60_000)
  const check: Enter = async (token, client) => {
    let identity: Identity | undefined
    try {
      identity = await authenticate(token, client)
    } catch {
      return 'unavailable'
    }
    if (!identity) return 'bad_token'
    const { user, device = null, expires, issuedAt } = identity
    if (!isUserId(user, limits.idLength) || !(device === null || isId(device, limits.idLength))) return 'bad_token'
    if (banned(user)) return 'banned'
    const isMillis = inMillis.has(identity) || clock.now() < firstMillis
    for (const [name, time] of Object.entries({ expires, issuedAt })) {
      if (isTime(time) && (isMillis || !mayBeSeconds(time))) continue
      onFault({ where: 'authenticate', error: new TypeError(`${name} must be ms since 1970, not ${time}`) })
      return 'unavailable'
    }
    const expiresIn = expires === undefined ? null : expires - clock.now()
    if (expiresIn !== null && expiresIn <= 0) return 'bad_token'
    return { user, device: device as DeviceId | null, expiresIn, issuedAt }
  }
  return async (token, client) => {
    const { address } = client
    const waits = attempts.isEmpty(address, clock.monotonic())
    const entrant = waits ? 'too_many_attempts' : await check(token, client)
    if (entrant === 'bad_token') attempts.take(address, clock.monotonic())
    if (typeof entrant === 'string') onEvent?.({ event: 'refused', code: entrant, address })
    return entrant
  }
}

const isTime = (time: unknown): boolean => time === undefined || (typeof time === 'number' && !Number.isNaN(time))

/** In March 1973; as seconds it is thousands of years away. A clock of before does not tell one from the other. */
const firstMillis: Millis = 100_000_000_000

/** A program that answers seconds since 1970 is told; 0 is before all in both. */
const mayBeSeconds = (time: Millis | undefined): boolean => time !== undefined && time !== 0 && time < firstMillis

/** Tells whether somebody's token is of before a removal that counts for its device, where it says both. The user's actor asks for itself. */
export const removedDevices =
  (router: NodeRouter) =>
  async ({ user, device, issuedAt }: Entrant): Promise<boolean> => {
    if (device === null || issuedAt === undefined) return false
    const settings = await router.query(toUser(user), 'settings')
    const refused = (known: boolean) => refusal(settings, device, known, issuedAt) !== undefined
    // Few tokens are of before a removal: only for those it is looked up whether the user has the device.
    if (!refused(false)) return false
    const inbox = await router.query(toUser(user), 'inbox')
    return refused(isKnown(inbox?.devices ?? [], device))
  }
