// A node that a service embeds.
export { createNode, type NodeOptions, type SendAs, SendRefused } from './node.ts'
export type { Allow, Authenticate, Identity } from './hosts/ports.ts'
// Tokens.
export { jwtAuthenticate, makeToken } from './tokens.ts'
// Stores.
export { type LmdbOptions, lmdbStore } from './store/lmdb.ts'
export { memoryStore } from './store/memory.ts'
export { type Retention, type Store, StoreError } from './store/contract.ts'
// Limits.
export { defaultLimits, type Limits } from './protocol/limits.ts'
