/** The names of users, devices and messages, and what makes one valid. */

declare const brand: unique symbol
declare const group: unique symbol

/** Who: 1 to `limits.idLength` characters that one sees, with spaces between them; a first `#` is for groups. */
export type UserId = string & { readonly [brand]: 'user' }
/**
 * A group, as a chat: `#` and 1 to `limits.idLength` - 1 more characters of the same rule. Made by the client that creates it. It names a
 * log, as a user does, and may stand where a user stands; no user stands for a group.
 */
export type GroupId = UserId & { readonly [group]: true }
/** Where messages go: to a user, or to a group. */
export type ChatId = UserId | GroupId
/** Which of a user's clients; the same rule as a user id. */
export type DeviceId = string & { readonly [brand]: 'device' }
/** A UUID in lower case, made by the sending client (UUIDv7 by the SDK) and repeated on every retry. */
export type MessageId = string & { readonly [brand]: 'message' }

/** Milliseconds since 1970, by the clock of the node. */
export type Millis = number
/** The number of an entry in an inbox: dense, from 1. 0 stands for "before the first". */
export type Seq = number

/**
 * How far a device has acknowledged an inbox. `epoch` names the log, `seq` the last entry acknowledged, and `life` the node that
 * it had all this from; 0: not told.
 */
export type Cursor = { readonly epoch: number; readonly seq: Seq; readonly life: number }
/** And what the device has besides, up to `seen`, and did not acknowledge. */
export type Shown = Cursor & { readonly seen: Seq }
/** Where an entry stands: in which log (`epoch`), at which `seq`. */
export type Position = { readonly epoch: number; readonly seq: Seq }

/** What a message carries: text, or bytes that the server only routes. */
export type Body = string | Uint8Array

/** Media that a message refers to; it was uploaded before. */
export type MediaRef = {
  /** SHA-256 of the content, in lower-case hex. */
  readonly media: string
  /** A media type, such as `image/png`. */
  readonly type: string
  /** Bytes of the content. */
  readonly size: number
  /** A small picture of it, at most 4 KiB, to show before it is downloaded. */
  readonly preview?: Uint8Array
}

/** Bytes of a preview. */
export const previewBytes = 4_096

const plain = /^[\x21-\x7e]+$/
/** One that shows nothing would make two names look alike: a blank (but the space), what is ignored by default, what only formats. */
const visible = /^(?: |[^\p{Cc}\p{Cf}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800])+$/u
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Whether `value` may name a user or a device. `max` is `limits.idLength`, in UTF-16 units. */
export function isId(value: unknown, max: number): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= max &&
    (plain.test(value) || (visible.test(value) && value.trim() === value))
  )
}

/** Whether `value` may name a user. */
export const isUserId = (value: unknown, max: number): value is UserId => isId(value, max) && !value.startsWith('#')

/** Whether `value` may name a group. */
export const isGroupId = (value: unknown, max: number): value is GroupId =>
  isId(value, max) && value.startsWith('#') && value.length > 1

/** Whether a chat is a group. */
export const isGroup = (chat: string): chat is GroupId => chat.startsWith('#')

/** Whether `value` may name a user or a group. */
export const isChatId = (value: unknown, max: number): value is ChatId => isUserId(value, max) || isGroupId(value, max)

const mediaId = /^[0-9a-f]{64}$/
const mediaType = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/

/** Whether `value` is a `MediaRef` and nothing more. */
export function isMedia(value: unknown): value is MediaRef {
  if (typeof value !== 'object' || value === null) return false
  const { media, type, size, preview, ...more } = value as Record<string, unknown>
  return (
    typeof media === 'string' &&
    mediaId.test(media) &&
    typeof type === 'string' &&
    mediaType.test(type) &&
    isCount(size) &&
    (preview === undefined || (preview instanceof Uint8Array && preview.byteLength <= previewBytes)) &&
    Object.keys(more).length === 0
  )
}

/** Whether `value` may be a body: bytes, or text without half of a surrogate pair, which UTF-8 cannot carry. */
export const isBody = (value: unknown): value is Body =>
  typeof value === 'string' ? value.isWellFormed() : value instanceof Uint8Array

/** Whether `value` is a message id: a UUID of any version, in lower case. */
export function isMessageId(value: unknown): value is MessageId {
  return typeof value === 'string' && value.length === 36 && uuid.test(value)
}

/** Whether `value` is a whole number from 0 that a seq, an epoch or a time may be. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
