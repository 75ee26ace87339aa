/** Limits that a client must know, and their defaults: the SDK has none of the others (limits.ts). */
export const toldLimits = {
  /** Bytes of one WebSocket message from a client. Above it the connection is closed (`frame_too_large`; by more than 64 KiB above it without a word, as 1006). */
  frameBytes: 128 * 1024,
  /** Bytes of one message body (UTF-8 for text). Above it a send is refused (`too_large`). At most half of frameBytes, so that a body escaped in JSON still fits. */
  bodyBytes: 32 * 1024,
  /** UTF-16 units of a user or device id. At most 256. */
  idLength: 128,
  /** Frames per second of one connection, over time; two seconds' worth may come at once. Above it `rate_limited`, then `flooding`. */
  framesPerSecond: 500,
  /** Entries pushed to a device and not yet acknowledged. The rest waits in the inbox. */
  windowEntries: 256,
  /** Sends of one connection that are not answered yet. Above it `busy`. */
  sendsInFlight: 256,
  /** Users that one connection watches at a time. */
  watches: 256,
} as const

/** The limits that a client must know: they come with `welcome`. */
export type ClientLimits = { readonly [Name in keyof typeof toldLimits]: number } & {
  /** Milliseconds without a sign of life after which the node drops the connection. A client pings within half of it. */
  readonly heartbeatMs: number
  /** In a cluster: the name of the node that has the user's actor. A client that comes by it again, with `?node=` and the name, costs the nodes less. */
  readonly home?: string
}
