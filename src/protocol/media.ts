/** Media: what travels over HTTP beside the chat. docs/media.md is the reference. */

declare const brand: unique symbol

/** The SHA-256 of the content, as 64 hexadecimal digits in lower case. */
export type MediaId = string & { readonly [brand]: 'media' }

/** Whether `value` is the id of a medium. */
export function isMediaId(value: unknown): value is MediaId {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

/** What a node calls content that is on no list: it is offered for saving, and never shown. */
export const anyType = 'application/octet-stream'

/** The types that are shown, each recognised by the content's first bytes. `also`: what else the same container may be called. */
export const mediaTypes = {
  'image/jpeg': { extension: 'jpg', also: [] },
  'image/png': { extension: 'png', also: [] },
  'image/gif': { extension: 'gif', also: [] },
  'image/webp': { extension: 'webp', also: [] },
  'image/avif': { extension: 'avif', also: [] },
  'image/heic': { extension: 'heic', also: ['image/heif'] },
  'video/mp4': { extension: 'mp4', also: ['audio/mp4', 'audio/x-m4a', 'video/x-m4v'] },
  'video/quicktime': { extension: 'mov', also: [] },
  'video/webm': { extension: 'webm', also: ['audio/webm'] },
  'audio/ogg': { extension: 'ogg', also: ['video/ogg'] },
  'audio/mpeg': { extension: 'mp3', also: ['audio/mp3'] },
  'audio/aac': { extension: 'aac', also: [] },
  'audio/flac': { extension: 'flac', also: [] },
  'audio/wav': { extension: 'wav', also: ['audio/x-wav', 'audio/wave'] },
} as const satisfies Record<string, { extension: string; also: readonly string[] }>

/** A type that is recognised. */
export type MediaType = keyof typeof mediaTypes

/** Whether content that was recognised as `type` may be called `claimed`. */
export function mayBeCalled(type: string, claimed: string): boolean {
  if (claimed === type || claimed === anyType) return true
  return Object.hasOwn(mediaTypes, type) && (mediaTypes[type as MediaType].also as readonly string[]).includes(claimed)
}

type MediaErrorRow = { readonly status: number; readonly retryAfter: number; readonly text: string }

/** Why a media request was refused: the HTTP status, and the seconds after which it may succeed, 0 for never. */
export const mediaErrors = {
  bad_request: { status: 400, retryAfter: 0, text: 'the path, a header or the length is not one that this node takes' },
  bad_token: { status: 401, retryAfter: 0, text: 'the token is missing, wrong or expired' },
  banned: { status: 403, retryAfter: 0, text: 'this user may not connect here' },
  other_origin: { status: 403, retryAfter: 0, text: 'this node accepts pages of its own origin only' },
  unknown_media: { status: 404, retryAfter: 0, text: 'nothing with that id is here, or not any more' },
  bad_method: { status: 405, retryAfter: 0, text: 'GET, HEAD and PUT for an id; POST without one' },
  wrong_offset: { status: 409, retryAfter: 1, text: 'the piece must start at the byte that upload-offset names' },
  under_way: { status: 409, retryAfter: 1, text: 'the same upload of the same user is under way' },
  no_length: { status: 411, retryAfter: 0, text: 'an upload says its content-length' },
  too_large: { status: 413, retryAfter: 0, text: 'the content is larger than this node accepts' },
  bad_range: { status: 416, retryAfter: 0, text: 'no byte of the content is within that range' },
  wrong_hash: {
    status: 422,
    retryAfter: 0,
    text: 'the content is not the one whose SHA-256 was announced; it was dropped',
  },
  too_many_attempts: { status: 429, retryAfter: 10, text: 'too many wrong tokens from this address' },
  too_many_uploads: { status: 429, retryAfter: 1, text: 'this user has as many uploads under way as this node allows' },
  too_many_downloads: {
    status: 429,
    retryAfter: 1,
    text: 'this user has as many downloads under way as this node allows',
  },
  over_quota: { status: 429, retryAfter: 60, text: 'this user has uploaded as much as this node allows in a day' },
  busy: { status: 503, retryAfter: 1, text: 'this node has as many transfers under way as it allows' },
  unavailable: { status: 503, retryAfter: 5, text: 'the media store, or what checks the token, does not answer' },
  full: { status: 507, retryAfter: 60, text: 'the disk of this node is full' },
} as const satisfies Record<string, MediaErrorRow>

/** The name of a media error. */
export type MediaError = keyof typeof mediaErrors
