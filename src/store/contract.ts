/**
 * What a store must do. One contract, one suite (test/contracts/store.ts), every store: memory, lmdb, cassandra. It is the sum of narrow
 * ones; whoever needs a store is handed those that it uses. What rejects does so with a StoreError, or with what the driver said.
 */

import type { ChatId } from '../protocol/ids.ts'
import type { Took } from '../runtime/index.ts'
import type { ClusterStore } from './contract/cluster.ts'
import type { GroupStore, NoteStore } from './contract/groups.ts'
import type { KeyStore } from './contract/keys.ts'
import type { ExpiryStore, HistoryStore, LapStore, LogStore, TraceStore } from './contract/logs.ts'
import type { MediaRecordStore } from './contract/media.ts'
import type { LifeStore, TermStore, TimeStore } from './contract/nodes.ts'
import type { PeopleStore } from './contract/people.ts'
import type { BanStore, PresenceStore, SettingsStore } from './contract/users.ts'
import type { StoreError } from './error.ts'

export type * from './contract/cluster.ts'
export { partOf } from './contract/cluster.ts'
export type * from './contract/groups.ts'
export type * from './contract/keys.ts'
export type * from './contract/logs.ts'
export type * from './contract/media.ts'
export { placeOf } from './contract/media.ts'
export type * from './contract/nodes.ts'
export type * from './contract/people.ts'
export type * from './contract/users.ts'

/** What whoever runs a store is told of. */
export type StoreEvents = {
  /** A write failed after which this process can write nothing more: it has to be started again. */
  readonly broke: (error: StoreError) => void
  /** Something was found damaged; the call that met it rejects with the same error, and concerns nobody else. */
  readonly damaged: (error: StoreError) => void
}

/** Asked by those who run a node. */
export interface HealthStore {
  /** Whether the store can be written; the reason, in a sentence, where it cannot. */
  health(): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string }>
  /** Requests to servers of its own that are under way, and that wait for their turn. Missing: it has none. */
  traffic?(): { readonly running: number; readonly waiting: number }
  /** How long its disk took for writes of appends, each until it was synced. Missing: it has no disk of its own. */
  syncs?(): Took
}

/**
 * Asked between the steps of a call: resolves when what was read for this user or group counts, rejects where its caller has it no more. What a
 * call destroys or writes over after that is what it had read before, and nothing else, whenever the write comes.
 */
export type Still = (id: ChatId) => Promise<void> | undefined

/** A store that several nodes can serve. */
interface SharedStore {
  /** What they agree on, while the store is open. Missing: one node has the store for itself. */
  readonly cluster?: ClusterStore
  /** Where its lightweight transactions are decided: all nodes of a cluster have the same. */
  readonly datacenter?: string
  /** The same store for the owner of actors under this term: of what is overwritten the higher term stays, whichever was written last. */
  under?(term: number, still: Still): Store
}

/** All that a node keeps. Whoever uses a part of it is handed that part alone. */
export interface Store
  extends LogStore,
    HistoryStore,
    TraceStore,
    ExpiryStore,
    GroupStore,
    NoteStore,
    PresenceStore,
    SettingsStore,
    BanStore,
    KeyStore,
    PeopleStore,
    TermStore,
    LifeStore,
    TimeStore,
    MediaRecordStore,
    SharedStore,
    HealthStore {
  /** Missing: it writes what it is asked to, each by itself or as it likes. */
  readonly laps?: LapStore
  /** Opens files or connections. Rejects with a StoreError that says what to do. A store is opened once. */
  open(events?: StoreEvents): Promise<void>
  /** Finishes what is under way and closes. Calls after it reject. */
  close(): Promise<void>
}
