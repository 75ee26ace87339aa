/** Why a frame was refused, and why a connection was closed. One table each; server, client and docs read the same. */

type ErrorRow = { readonly number: number; readonly retryAfter: number; readonly text: string }

/** Error codes. `retryAfter`: the same frame may succeed this many ms later, unchanged; 0: it never will. */
export const errorCodes = {
  bad_frame: { number: 1, retryAfter: 0, text: 'the frame is not of the shape that its kind asks for' },
  unknown_kind: { number: 2, retryAfter: 0, text: 'no such kind of frame from a client' },
  bad_id: { number: 3, retryAfter: 0, text: 'not a valid user, device or message id' },
  too_large: { number: 4, retryAfter: 0, text: 'the body is larger than this node accepts' },
  not_welcome_yet: { number: 5, retryAfter: 0, text: 'the first frame must be hello' },
  ack_above_tail: { number: 6, retryAfter: 0, text: 'the inbox has no such seq' },
  not_that_chat: { number: 7, retryAfter: 0, text: 'no message of that chat has that seq' },
  refused: { number: 8, retryAfter: 0, text: 'this node does not allow that message' },
  too_many_watches: { number: 9, retryAfter: 0, text: 'this device watches as many users as it may' },
  failed: {
    number: 10,
    retryAfter: 0,
    text: 'the message could not be handled, and was not delivered',
  },
  blocked: { number: 11, retryAfter: 0, text: 'that user has blocked this one' },
  not_taken: { number: 12, retryAfter: 0, text: 'that user does not take messages from this one' },
  list_full: { number: 13, retryAfter: 0, text: 'that list holds as much as it may' },
  unknown_device: { number: 14, retryAfter: 0, text: 'this user has no such device' },
  unknown_media: { number: 18, retryAfter: 0, text: 'no media with that id is here: upload it again' },
  wrong_media: { number: 19, retryAfter: 0, text: 'the media with that id is of another size or type' },
  unknown_group: { number: 40, retryAfter: 0, text: 'there is no such group' },
  not_a_member: { number: 41, retryAfter: 0, text: 'only members of the group may, or can be meant' },
  not_an_admin: { number: 42, retryAfter: 0, text: 'only admins of the group may' },
  too_many_members: { number: 43, retryAfter: 0, text: 'the group has as many members as this node allows' },
  no_change: { number: 44, retryAfter: 0, text: 'the group is like that already' },
  bad_keys: { number: 45, retryAfter: 0, text: 'not the keys of that device' },
  stale_links: { number: 46, retryAfter: 0, text: 'the chain has more links' },
  no_keys: { number: 47, retryAfter: 0, text: 'that user or device has no keys' },
  not_sealed: { number: 48, retryAfter: 0, text: 'only sealed messages are taken' },
  busy: { number: 20, retryAfter: 500, text: 'too much is under way for that user, or the store does not answer' },
  inbox_full: { number: 21, retryAfter: 5_000, text: 'the inbox of the recipient is full' },
  rate_limited: {
    number: 22,
    retryAfter: 1_000,
    text: 'more than this node accepts at a time',
  },
  stale_devices: { number: 23, retryAfter: 100, text: 'a device has come or gone' },
} as const satisfies Record<string, ErrorRow>

/** The name of an error code. */
export type ErrorCode = keyof typeof errorCodes

/** The codes after which the same frame may succeed. */
export type RetryCode = {
  [Code in ErrorCode]: (typeof errorCodes)[Code]['retryAfter'] extends 0 ? never : Code
}[ErrorCode]

/** Whether the same frame may succeed later. An unknown code (of a newer server) may not. */
export function mayRetry(code: string): boolean {
  return Object.hasOwn(errorCodes, code) && errorCodes[code as ErrorCode].retryAfter > 0
}

/** The name of an error code's number, or undefined for a number that is not in the table. */
export const errorNamed = (number: number): ErrorCode | undefined => named(errorCodes, number)

type CloseRow = { readonly number: number; readonly text: string }

/** Close codes. 3000 to 3499: come back. 3500 to 3999: do not, until a person or a program changed something. */
export const closeCodes = {
  going_away: { number: 3000, text: 'this node is stopping' },
  restarted: { number: 3001, text: 'the user actor failed repeatedly' },
  too_slow: { number: 3002, text: 'the client does not read what it is sent' },
  hello_late: { number: 3003, text: 'no hello came in time' },
  resync: { number: 3004, text: 'the inbox is another one: say hello again' },
  unavailable: { number: 3005, text: 'the store, or who checks tokens, does not answer' },
  too_many_connections: { number: 3006, text: 'too many connections from this address' },
  flooding: { number: 3007, text: 'frames kept coming after rate_limited' },
  expired: { number: 3008, text: 'the token has expired, and no other came' },
  disconnected: { number: 3009, text: 'this session was ended: come back' },
  too_many_attempts: { number: 3010, text: 'too many wrong tokens from this address' },
  bad_token: { number: 3500, text: 'the token is missing, wrong or expired' },
  replaced: { number: 3501, text: 'the same device connected again' },
  bad_encoding: { number: 3502, text: 'the WebSocket message could not be decoded' },
  frame_too_large: { number: 3503, text: 'the WebSocket message is larger than this node accepts' },
  too_many_devices: { number: 3504, text: 'the user has as many devices connected as this node allows' },
  bad_protocol: { number: 3505, text: 'no subprotocol that this node speaks was offered' },
  removed: { number: 3506, text: 'another device of this user removed this one' },
  banned: { number: 3507, text: 'this user may not connect here' },
} as const satisfies Record<string, CloseRow>

/** The name of a close code. */
export type CloseCode = keyof typeof closeCodes

/** The name of a close code's number, or undefined for one that Bluetick did not give (1006, a proxy's). */
export const closeNamed = (number: number): CloseCode | undefined => named(closeCodes, number)

/** Whether a client should connect again after this close code. Only 3500 to 3999 say no. */
export const mayComeBack = (number: number): boolean => number < 3500 || number > 3999

/** Looked for: a map by number would stay in each bundle of the client, and few codes come. */
const named = <Name extends string>(table: Record<Name, { readonly number: number }>, number: number) =>
  (Object.keys(table) as Name[]).find((name) => table[name].number === number)
