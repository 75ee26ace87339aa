/** Every kind of frame: its name (JSON) and its number (msgpack). docs/protocol.md carries the same table, and a test compares them. */
export const kinds = {
  // from the client
  hello: 1,
  send: 2,
  ack: 3,
  read: 4,
  watch: 5,
  unwatch: 6,
  active: 7,
  set: 10,
  ask: 11,
  remove: 12,
  typing: 13,
  delete: 14,
  history: 15,
  members: 40,
  ticks: 41,
  token: 42,
  stand: 43,
  chain: 44,
  link: 45,
  prekeys: 46,
  claim: 47,
  // either way
  ping: 8,
  pong: 9,
  // from the server
  welcome: 16,
  live: 17,
  message: 18,
  copy: 19,
  receipt: 20,
  seen: 21,
  sent: 22,
  done: 23,
  error: 24,
  presence: 25,
  settings: 26,
  device: 27,
  past: 28,
  gone: 29,
  deleted: 30,
  chat: 31,
  group: 48,
  ticked: 49,
  renew: 50,
  stands: 51,
  links: 52,
  bundles: 53,
  low: 54,
} as const

/** The name of a kind of frame. */
export type Kind = keyof typeof kinds

const names = new Map<number, Kind>(Object.entries(kinds).map(([name, number]) => [number, name as Kind]))

/** The name that a number stands for, or undefined for a number that is not in the table. */
export const kindNamed = (number: number): Kind | undefined => names.get(number)
