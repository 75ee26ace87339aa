/** What happens on a node, for a log: who comes and goes, who is refused, what takes long. Never what users write, nor a token. */
import type { CloseCode } from '../protocol/codes.ts'
import type { Millis } from '../protocol/ids.ts'
import type { ClockFace } from '../runtime/index.ts'
import type { OnFault } from './faults.ts'

export type NodeEvent =
  /** The token of a device was good. */
  | { readonly event: 'entered'; readonly user: string; readonly device: string; readonly address: string }
  /** A connection of a user has ended. `code`: the WebSocket's close code; 1006: it broke off. */
  | {
      readonly event: 'left'
      readonly user: string
      readonly device: string
      readonly address: string
      readonly code: number
    }
  /** Somebody did not come in, by a socket or for media. */
  | { readonly event: 'refused'; readonly code: CloseCode; readonly address: string }
  /** Entries of an inbox, or of a group, took long until they were durable. */
  | { readonly event: 'slow'; readonly log: string; readonly entries: number; readonly ms: Millis }
  /** Shards of the cluster came to this node, or went from it, within half a second; and how many it has. */
  | { readonly event: 'moved'; readonly came: number; readonly went: number; readonly shards: number }
  /** What this node is in its cluster is another: `up`, `suspended`, `leaving`. */
  | { readonly event: 'became'; readonly standing: string }
  /**
   * An operator asked something of the node over HTTP, and was answered with this status. Of those the log lacks none. `calls`: it only
   * reads, and was asked so often since it was told last.
   */
  | ({
      readonly event: 'operated'
      readonly operation: string
      readonly address: string
      readonly status: number
      readonly calls?: number
    } & Operated)
/** What an operator asked for: whom it is about, in whose name, and what changes. `to`: of a broadcast to how many. */
export type Operated = {
  readonly [about in 'user' | 'group' | 'message' | 'device' | 'from' | 'by' | 'change']?: string
} & { readonly to?: string | number }
export type OnEvent = (event: NodeEvent) => void

/** Milliseconds from which on an append is slow: senders begin to see it. */
const slowMs: Millis = 1_000

/** Is called when an append begins, and what it answers when that ends. */
export type Timed = (log: string, entries: number) => () => void

/** Tells of appends that take long. `took`: is told of each. */
export function timed(clock: ClockFace, took: (ms: Millis) => void, onEvent: OnEvent): Timed {
  return (log, entries) => {
    const began = clock.monotonic()
    return () => {
      const ms = clock.monotonic() - began
      took(ms)
      if (ms >= slowMs) onEvent({ event: 'slow', log, entries, ms: Math.round(ms) })
    }
  }
}

/** A listener that throws is the embedder's bug, and costs nobody a turn. Undefined: nobody listens. */
export const listener = (
  hear: OnEvent | undefined,
  clock: { soon(run: () => void): void },
  onFault: OnFault,
): OnEvent | undefined =>
  hear &&
  ((event) =>
    clock.soon(() => {
      try {
        hear(event)
      } catch (error) {
        onFault({ where: 'onEvent', error })
      }
    }))
