import { toldLimits } from './told-limits.ts'

/** Every size, rate and count that a stranger could grow. All are options of `createNode({ limits })`. */
export const defaultLimits = {
  ...toldLimits,
  /** Bytes of a sealed body, with what is in it for each device. Above it a send is refused (`too_large`). At most half of frameBytes. */
  sealedBytes: 64 * 1024,
  /** Messages that one user sends per second, from all devices, over time; one to a group counts for each of its members. Two seconds' worth may come at once. Above it `rate_limited`. */
  sendsPerSecond: 1_000,
  /** The same for what one user sends to one other, or to one group, where each message counts once. */
  sendsPerSecondToOne: 500,
  /** Milliseconds from the upgrade to a hello. */
  helloMs: 10_000,
  /** Open connections of one address. */
  connectionsPerAddress: 1_000,
  /** Wrong tokens that one address shows in a minute, and as many of operators; they may come at once. Above it `too_many_attempts` (HTTP 429), also for right ones. */
  wrongTokensPerMinute: 300,
  /** Devices of one user. A further one takes the place of the one that was away the longest; with all connected it is refused. */
  devices: 5,
  /** Milliseconds after which a device that was not connected counts as gone, and gets no copies; it is told so when it comes back. */
  deviceAwayMs: 30 * 24 * 3_600_000,
  /** Bytes of bodies pushed to a device and not yet acknowledged; one entry always fits. */
  windowBytes: 256 * 1024,
  /** Entries of an inbox that no device has acknowledged. Above it a send is refused (`inbox_full`). */
  inboxEntries: 100_000,
  /** Members of a group. */
  members: 1_024,
  /** Appends of one inbox that are not durable yet. Above it `busy`. */
  appendsInFlight: 1_024,
  /** Users that one user has blocked, as many contacts, and as many chats with tags. Above it `list_full`. */
  listed: 1_024,
  /** Chats that one answer to `ask chats` tells of: those with the newest messages. */
  chats: 1_024,
  /** Milliseconds from one reading of a user's inbox for `ask chats` to the next. Who asks meanwhile is answered by that one. */
  chatsMs: 5_000,
  /** Bytes that wait in a socket which its client does not read. Above it the connection is closed (`too_slow`). At least twice windowBytes. */
  socketBytes: 1024 * 1024,
  /** Devices of one user that have keys for sealed messages. A link that makes it more is refused (`list_full`). At most 16. */
  keyDevices: 10,
  /** Links and uploads of prekeys of one user in a minute, which may come at once; each costs the node 3 to 6 ms. Above it `rate_limited`. */
  keyChangesPerMinute: 30,
  /** Claims, and questions for links, of one user in a minute, which may come at once. Above it `rate_limited`. */
  claimsPerMinute: 600,
  /** Claims of one user of what one other has left, at once, that get prekeys for one use; one more comes back every ten minutes. Above it the signed prekeys are the answer. */
  claimsOfOne: 6,
  /** Bytes of one picture, video or other file. Above it an upload is refused (`too_large`, HTTP 413). */
  mediaBytes: 64 * 1024 * 1024,
  /** Bytes that one user uploads in a day, of each upload at least 16 KiB; used up, they come back over the day. Above it `over_quota` (HTTP 429). At least mediaBytes. */
  mediaBytesPerDay: 1024 * 1024 * 1024,
  /** Uploads of one user at a time. Above it `too_many_uploads` (HTTP 429). */
  mediaUploads: 4,
  /** Downloads of one user at a time. Above it `too_many_downloads` (HTTP 429). */
  mediaDownloads: 16,
  /** Uploads and downloads of the whole node at a time. Above it `busy` (HTTP 503). */
  mediaTransfers: 256,
} as const

/** Limits by name; see `defaultLimits` for units. */
export type Limits = { readonly [Name in keyof typeof defaultLimits]: number }

/** Completes and checks limits; one that is undefined is not given. Throws a RangeError that names the limit. */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const limits: Limits = { ...defaultLimits }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) Object.assign(limits, { [name]: value })
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(defaultLimits, name)) throw new RangeError(`limits.${name}: there is no such limit`)
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`limits.${name} must be a whole number from 1`)
  }
  if (limits.idLength > 256) throw new RangeError('limits.idLength must be at most 256')
  if (limits.bodyBytes * 2 > limits.frameBytes)
    throw new RangeError('limits.bodyBytes must be at most half of limits.frameBytes')
  if (limits.sealedBytes * 2 > limits.frameBytes)
    throw new RangeError('limits.sealedBytes must be at most half of limits.frameBytes')
  if (limits.keyDevices > 16) throw new RangeError('limits.keyDevices must be at most 16')
  if (limits.windowBytes * 2 > limits.socketBytes)
    throw new RangeError('limits.socketBytes must be at least twice limits.windowBytes')
  if (limits.mediaBytes > limits.mediaBytesPerDay)
    throw new RangeError('limits.mediaBytesPerDay must be at least limits.mediaBytes')
  return limits
}
