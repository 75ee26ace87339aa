// A node that a service embeds.
export { type BluetickNode, createNode } from './node.ts'
export type { NodeOptions } from './embed/options.ts'
export { type Allow, type Authenticate, type Identity, Unavailable } from './embed/authenticate.ts'
export { httpAllow, httpAuthenticate, type ServiceOptions } from './embed/services.ts'
export type { ClusterOptions } from './embed/cluster.ts'
export type { KnownCluster } from './forwarding/known.ts'
export type { Hooks, Receipt } from './embed/hooks.ts'
export type { SigningSecrets, WebhookEvent, WebhookOptions } from './embed/webhooks.ts'
export type { DeadWebhook } from './operations/webhooks/sending.ts'
export type { Fault, OnFault } from './embed/faults.ts'
export type { NodeEvent, OnEvent } from './embed/events.ts'
export type { Before, PastMessage, SendAs } from './embed/program.ts'
export type { Broadcast, BroadcastResult } from './embed/broadcast.ts'
export type { GroupChange, NewGroup } from './embed/groups.ts'
export { SendRefused } from './embed/post.ts'
export type { Lifetime } from './protocol/lifetime.ts'

// Limits.
export { defaultLimits, type Limits } from './protocol/limits.ts'

// Tokens.
export { jwtAuthenticate, makeToken, type TokenRules } from './embed/tokens.ts'

// Stores.
export { type LmdbOptions, lmdbStore } from './store/lmdb.ts'
export { cassandraStore } from './store/cassandra.ts'
export type { CassandraOptions } from './store/cassandra/connection.ts'
export { memoryStore } from './store/memory.ts'
export type { Store } from './store/contract.ts'
export type { Retention } from './store/retention.ts'
export { StoreError } from './store/error.ts'

// Media.
export { type FileMediaOptions, fileMedia } from './media/files.ts'
export { type SharedMediaOptions, sharedMedia } from './media/shared.ts'
export { folderBucket } from './media/buckets/folder.ts'
export { type S3Options, s3Bucket } from './media/buckets/s3.ts'
export type { Bucket } from './media/buckets/bucket.ts'
export type { MediaStore, Medium, Upload } from './media/contract.ts'
