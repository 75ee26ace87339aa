import { Client } from './client.ts'
import type { ConnectOptions } from './types.ts'

export type { Client } from './client.ts'
export { indexedDBStorage, memoryStorage, type Storage } from './storage.ts'
export {
  BluetickError,
  type ConnectionStatus,
  type ConnectOptions,
  type Incoming,
  type MessageState,
  type Outgoing,
  type Presence,
} from './types.ts'

/** A session of one device, which connects and comes back by itself. */
export const connect = (options: ConnectOptions): Client => new Client(options)
