// A node that a service embeds.

export type { Fault, OnFault } from './hosts/faults.ts'
export type { Hooks, Receipt } from './hosts/hooks.ts'
export type { Allow, Authenticate, Identity } from './hosts/ports.ts'
export { type Before, type PastMessage, type SendAs, SendRefused } from './hosts/program.ts'
// Media.
export type { MediaStore, Medium, Upload } from './media/contract.ts'
export { type FileMediaOptions, fileMedia } from './media/files.ts'
export { type BluetickNode, createNode } from './node.ts'
export type { NodeOptions } from './node-options.ts'
export type { Lifetime } from './protocol/lifetime.ts'
// Limits.
export { defaultLimits, type Limits } from './protocol/limits.ts'
export type { CassandraOptions } from './store/cassandra/connection.ts'
export { cassandraStore } from './store/cassandra.ts'
export { type Retention, type Store, StoreError } from './store/contract.ts'
// Stores.
export { lmdbStore } from './store/lmdb.ts'
export { memoryStore } from './store/memory.ts'
// Tokens.
export { jwtAuthenticate, makeToken } from './tokens.ts'
