/** What an outbox is told, what it keeps, and what it asks of its host. */
import type { Entry } from '../../src/protocol/entry.ts'
import type { MessageId, Seq, UserId } from '../../src/protocol/ids.ts'
import type { Lifetime } from '../../src/protocol/lifetime.ts'
import type { Reads } from '../../src/store/contract.ts'
import type {
  Accepted,
  LogAnswer,
  LogEffect,
  LogEvent,
  LogLimits,
  LogState,
  LogTimer,
  LogTurn,
  ReaderRef,
  Ticket,
} from '../log/types.ts'
import type { Turn } from '../turn.ts'

/** Something that happened, to be told outside. The same `id`: the same happened. */
export type OutboxEvent = { readonly id: MessageId; readonly body: string }

export type OutboxMessage =
  /**
   * Take these, in this order; answered when all are durable, or with a refusal: then some of the first may be. `of`: the user or group
   * whose order they keep. `again`: they may be here already.
   */
  | {
      readonly is: 'record'
      readonly of: UserId
      readonly events: readonly OutboxEvent[]
      readonly lifetime?: Lifetime
      readonly again: boolean
      readonly ticket: Ticket
    }
  | LogAnswer
  /** Whoever sends the events comes, and goes on where its last `ack` was. */
  | { readonly is: 'begin'; readonly ref: ReaderRef }
  /** Everything up to here is sent, or needs not be. `memo`: what whoever sends is to know of that when it comes again; saved with it. */
  | { readonly is: 'ack'; readonly ref: ReaderRef; readonly seq: Seq; readonly memo?: Reads | undefined }
  | { readonly is: 'end'; readonly ref: ReaderRef }
  | { readonly is: 'timer'; readonly timer: LogTimer }

export type OutboxEffect =
  | LogEffect
  | { readonly do: 'answer'; readonly ticket: Ticket; readonly answer: Accepted }
  /** Whoever sends may begin; what it has left of itself comes first. */
  | { readonly do: 'begins'; readonly memo: Reads }
  | { readonly do: 'send'; readonly ref: ReaderRef; readonly entries: readonly Entry[] }
  /** Events up to `upTo` that were not acknowledged are given up: they have expired, or too many wait. */
  | { readonly do: 'lose'; readonly upTo: Seq; readonly events: number }
  /** Whoever sends must come again. */
  | { readonly do: 'broken' }
  | { readonly do: 'after'; readonly ms: number; readonly timer: LogTimer }

export type OutboxLimits = LogLimits & {
  /** Events that wait to be sent. Above it the oldest are given up. */
  readonly waiting: number
}

export type OutboxTurn = Turn<OutboxLimits, OutboxEffect> &
  Omit<LogTurn, 'effects' | 'said'> & { readonly said: LogEvent[] }

/** The state belongs to the machine, which changes it in place. */
export type OutboxState = {
  readonly log: LogState
  /** As the store had it; null: whoever sends has it. */
  found: Reads | null
  /** What is to be saved with the next cursors, and what is being saved with some. */
  memo: Reads | null
  saving: Reads | null
}
