/** Whom the program that embeds a node lets in, and what it lets them send. */
import type { Change } from '../protocol/group.ts'
import type { Millis } from '../protocol/ids.ts'

/** Who a token stands for. */
export type Identity = {
  readonly user: string
  /** Missing: the client names it. */
  readonly device?: string
  /** When the token is over, in ms since 1970: the client is asked for another before. Missing: never. */
  readonly expires?: Millis
  /** When the token was made, in ms since 1970. A device that was removed comes back only by one that was made later. Missing: by any. */
  readonly issuedAt?: Millis
}
/** Identities whose times are known to be milliseconds: they were made here, of a token that tells seconds. */
export const inMillis = new WeakSet<Identity>()

/**
 * Checks a token. Undefined: it is not valid, and the client stays away. A throw: that cannot be told now, and the client comes
 * back. `device` is what the client calls itself.
 */
export type Authenticate = (
  token: string | null,
  client: { readonly device: string | null; readonly address: string },
) => Identity | undefined | Promise<Identity | undefined>

/**
 * Decides on a send before it is delivered. False refuses it for good (`refused`), and so does a throw, unless it is `Unavailable`: then
 * the send is to come again.
 */
export type Allow = (message: {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly body: string | Uint8Array
  /** What the message changes in the chat; the body is the value. */
  readonly change?: Change
}) => boolean | Promise<boolean>

/** Whoever was asked cannot tell now: what was to be decided is to come again. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}
