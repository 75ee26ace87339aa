/** What a program sees of end-to-end encryption. */
import type { Beneath } from '../beneath.ts'
import type { HttpLink } from '../http-link.ts'
import type { Transfers } from '../transfers.ts'
import type { Unreadable } from './pairing.ts'

export type E2eeOptions = {
  /** Names the service, as its nodes do (`createNode({ realm })`). Default: empty. */
  readonly realm?: string
  /**
   * `refuse` (default): nothing is sent to a user that is not sealed, and nothing is handed out as from a user with keys that was not.
   * `keyless`: to users who never had keys messages go as they are, without `sealed`. `allow`: so does what is not sealed and said to be from a
   * user with keys.
   */
  readonly plaintext?: 'refuse' | 'keyless' | 'allow'
  /** How long, in days, messages that were sent may be asked for again by a device that could not read them: at most 10 MB are kept. Default 7. */
  readonly resend?: { readonly days: number }
  /** Asked before this device begins the keys of a user who has none, as the server says. Default: it does. */
  readonly first?: () => boolean | Promise<boolean>
}

/**
 * Why an identity is told: `reset`: all devices are new. `rotation`: the oldest has left. `device`: one has come or gone. `fork`: two chains are
 * shown. `withheld`: a device of that user says that it has changed more than the server shows. `differs`: somebody else was shown another chain, or
 * says so: that holds nothing up.
 */
export type Change = 'reset' | 'rotation' | 'device' | 'fork' | 'withheld' | 'differs'

/**
 * Of a sealed group. `unsealed`: the server says that these are members, and no admin has added them in a way that can be proven: they are given
 * nothing. `differs`: these have another list of its members. `refused`: this one, who is no admin, has said to change it, which changes nothing.
 */
export type GroupChange = {
  readonly group: string
  readonly why: 'unsealed' | 'differs' | 'refused'
  readonly users: readonly string[]
}

/**
 * `unlinked`: another device of this user is to approve this one. `removed`: another has shut it out, and `code` or `reset` begin again.
 * `refused`: the server takes no sealed messages.
 */
export type Place = 'linked' | 'unlinked' | 'removed' | 'refused'

/**
 * Why a message is not read. `no_part`: its sender did not know this device. `not_kept`: it was asked for, and its sender does not have it any more, or
 * had sent it before this device was there. `unknown_device`: it is of none that its user has, as the
 * chain says. `plaintext`: it is not sealed, though its user has keys. `other_version`: of a later one of this package. `no_body`: it is a long one, and the server does not have
 * it, or not as it was sealed. `rate_limited`: so many of its device could not be read within a minute that it was not looked at. Others are of the keys.
 */
export type Why =
  | Unreadable
  | 'no_part'
  | 'not_kept'
  | 'unknown_device'
  | 'plaintext'
  | 'other_version'
  | 'no_body'
  | 'rate_limited'
export type Unread = {
  readonly id: string
  readonly chat: string
  readonly from: string
  readonly why: Why
  /** It is asked for again: then it comes as a message, under this id. */
  readonly retrying: boolean
  /** By the server's clock, in milliseconds since 1970. */
  readonly time: number
  /** Where it stands in this user's inbox. */
  readonly epoch: number
  readonly seq: number
}

export type E2eeEvents = {
  /** The devices of a user have changed: `reset`, `fork` and `withheld` hold what is sent to them. */
  identity: { readonly user: string; readonly why: Change }
  /** A message cannot be read: in its place something is gone. */
  unreadable: Unread
  group: GroupChange
  /** This device may write, waits for another to approve it, or the server takes no sealed messages. */
  place: { readonly place: Place }
}

/** `members`: for whom its messages are sealed. `unsealed`: see `GroupChange`. `without`: members who have no keys, or whose new devices are to be accepted first. */
export type GroupIdentity = {
  readonly members: readonly string[]
  readonly unsealed: readonly string[]
  readonly without: readonly string[]
}

export type UserIdentity = {
  /** 60 digits, the same on both sides: compare them over another way than this one. */
  readonly safetyNumber: string
  /** To show to the other one as a QR code: the number, and how far this device has followed the devices of both. */
  readonly card: string
  readonly verified: boolean
  readonly devices: readonly string[]
  /** The person has to `accept` before anything is sent: the devices of this user are others than before, links are withheld, or two chains were shown. */
  readonly waits: boolean
  /** Two chains of this user were shown: nothing is sent any more, whatever the person says. */
  readonly forked: boolean
}

/** Of one client. */
export interface E2ee extends Transfers {
  /** Called by `connect`. */
  around(beneath: Beneath, http: HttpLink): Beneath
  /** Listens until the answer is called. */
  on<Name extends keyof E2eeEvents>(name: Name, listener: (event: E2eeEvents[Name]) => void): () => void
  /** Whether this device may write and read. Waits for a connection. */
  place(): Promise<Place>
  /** Who a user is, as far as this device knows; asks the server where it knows nothing. Rejects with a UsageError where there are no keys. */
  identity(user: string): Promise<UserIdentity>
  /**
   * The person has compared the numbers, or scanned the `card` of the other one. Rejects with a UsageError where they differ, or the server shows the
   * two of them different devices (`other_devices`).
   */
  verify(user: string, shown: string): Promise<void>
  /**
   * The person has seen that the devices of a user are others: what waits is sent to them. `seen`: as they were shown; of what has come since
   * nothing is accepted. Default: as they are now. After a fork there is nothing to accept.
   */
  accept(user: string, seen?: UserIdentity): Promise<void>
  /**
   * Of a device that is to be linked: what another device of this user is to be shown, on its screen or by another way than this server.
   * Whoever has it can be let in as this device by nobody but that other one. Rejects with a UsageError where the server takes no keys.
   */
  code(): Promise<string>
  /** Lets the device in that shows this code. Rejects with a UsageError where that is no code of a device of this user, or this one is not linked. */
  approve(code: string): Promise<void>
  /** Shuts a device of this user out: nothing more is sealed for it, and its session ends. What it has read it has. */
  remove(device: string): Promise<void>
  /** Who a sealed group is, as far as this device knows. Waits for a connection. Rejects with a UsageError where the group is not sealed. */
  group(id: string): Promise<GroupIdentity>
  /** Called by `createGroup`: how the id of a group of so many begins. */
  mark(members: readonly string[]): Promise<string>
  /**
   * Makes the first keys of this user, where `first` has said no. Where another device has made them meanwhile nothing is made, and the
   * answer is `unlinked`.
   */
  begin(): Promise<Place>
  /** Begins anew with this device alone, where none of the others is at hand. Other users are told, and have to accept it. */
  reset(): Promise<Place>
}
