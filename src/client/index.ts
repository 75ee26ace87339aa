import { Client } from './client.ts'
import type { ConnectOptions } from './types.ts'

export type { Change } from '../protocol/group.ts'
export { type Lifetime, timerOf } from '../protocol/lifetime.ts'
export type { Audience } from '../protocol/settings.ts'
export type { Client } from './client.ts'
export {
  BluetickError,
  ClosedError,
  type EndCode,
  MediaError,
  OutboxFullError,
  RefusedError,
  type StorageCode,
  StorageError,
  TimeoutError,
  UsageError,
} from './errors.ts'
export { indexedDBStorage } from './indexeddb.ts'
export { memoryStorage, type Storage } from './storage.ts'
export type { Medium, TransferOptions } from './transfers.ts'
export type { Connection, Transport, TransportEvents } from './transport.ts'
export type {
  Attachment,
  ChatInfo,
  ClientEvents,
  ConnectionStatus,
  ConnectOptions,
  DeviceInfo,
  Group,
  HistoryOptions,
  Incoming,
  MessageState,
  Outgoing,
  Past,
  Presence,
  QueueOptions,
  SendOptions,
  Settings,
  Tags,
  Ticks,
} from './types.ts'
export type { WaitOptions } from './waiting.ts'

/** A session of one device, which connects and comes back by itself. Throws a UsageError where an option is wrong. */
export const connect = (options: ConnectOptions): Client => new Client(options)
