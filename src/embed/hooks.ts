/** Tells an embedder what happens to messages. */
import type { Entry } from '../protocol/entry.ts'
import type { Change } from '../protocol/group.ts'
import {
  type Body,
  isGroup,
  type MediaRef,
  type Millis,
  type Position,
  type Seq,
  type UserId,
} from '../protocol/ids.ts'
import { isQuiet, valueIn } from '../protocol/sealed.ts'
import type { Clock } from '../runtime/index.ts'
import type { OnEvent } from './events.ts'
import type { Fault, OnFault } from './faults.ts'

export type Hooks = {
  /** A message became durable at this place of `to`'s inbox, or of the log of the group `to`, and its sender is told "sent". */
  readonly onAccepted?: (message: {
    readonly id: string
    readonly from: string
    readonly to: string
    readonly body: Body
    readonly media?: MediaRef
    /** What the message changes in a group; the body is the value. */
    readonly change?: Change
    readonly at: Position
    readonly time: Millis
  }) => void
  /** What `from` sent to `to` is delivered up to this place of `to`'s inbox. Only rises; may be told again after a restart. */
  readonly onDelivered?: (receipt: Receipt) => void
  /** The same for read, which comes after delivered. */
  readonly onRead?: (receipt: Receipt) => void
  /**
   * A message is for a user who has no connected device: to wake one, by a push notification. For each member of a group; not for changes
   * of a chat, but for invitations. Told once, and lost to a process that ends: `webhooks` are durable.
   */
  readonly onWaiting?: (message: {
    readonly id: string
    readonly from: string
    readonly to: string
    /** Of a message in a group. */
    readonly group?: string
    readonly at: Position
    readonly time: Millis
  }) => void
  /**
   * Something failed: what a hook threw or rejected with, or that `authenticate` or `allow` did not answer within 10 s; why an
   * actor crashed; what the store answered that took no messages, or did not clean up. Without this one these are warnings of the process, once a minute
   * for each `where`; but what `onAccepted`, `onDelivered` and `onRead` throw is uncaught.
   */
  readonly onFault?: OnFault
  /** Who comes and goes, who is refused, and what takes long: for a log. */
  readonly onEvent?: OnEvent
}

/** Compare with where a message was accepted: it is meant when `at.epoch` is the same and `at.seq` is not above `upTo.seq`. */
export type Receipt = { readonly from: string; readonly to: string; readonly upTo: Position }

/** What an embedder is told of. */
export interface NodeEvents {
  accepted(to: UserId, accepted: { epoch: number; entry: Extract<Entry, { is: 'message' }> }): void
  receipted(from: UserId, receipt: { peer: UserId; epoch: number; delivered: Seq; read: Seq }): void
}

type Message = Extract<Entry, { is: 'message' }>

/**
 * Whether a message in the inbox of `to` is one to wake somebody for: no note to oneself, no change of a chat but an invitation, nor what
 * devices say to each other.
 */
export function wakes({ from, body, change, place }: Message, to: UserId): boolean {
  const changes = change ?? place?.change
  return !isGroup(to) && from !== to && (!changes || changes === 'invite') && !isQuiet(body)
}

type Mark = { readonly epoch: number; readonly delivered: Seq; readonly read: Seq }

/** Pairs of users whose latest receipt is remembered, so that it is not told twice. */
const remembered = 10_000

/** `isAway`: whether a user has no connected device. */
export function tellHooks(
  hooks: Hooks,
  clock: Pick<Clock, 'soon'>,
  isAway: (user: UserId) => boolean = () => false,
): NodeEvents {
  const marks = new Map<string, Mark>()
  const waiting = (to: UserId, epoch: number, entry: Message): void => {
    if (!hooks.onWaiting || !wakes(entry, to) || !isAway(to)) return
    const { id, from, place, seq, time } = entry
    const at = { epoch, seq }
    guarded(hooks, clock, 'onWaiting', () =>
      hooks.onWaiting?.({ id, from, to, ...(place && { group: place.group }), at, time }),
    )
  }
  return {
    accepted(to, { epoch, entry }) {
      waiting(to, epoch, entry)
      const { id, from, body, media, change, place, seq, time } = entry
      if (!hooks.onAccepted || place) return // a member's copy: the log of the group has told it
      const more = { ...(media && { media }), ...(change && { change }) }
      guarded(hooks, clock, 'onAccepted', () =>
        hooks.onAccepted?.({ id, from, to, body: valueIn(body), ...more, at: { epoch, seq }, time }),
      )
    },
    receipted(from, { peer: to, epoch, delivered, read }) {
      if (!hooks.onDelivered && !hooks.onRead) return
      const known = rise(marks, `${from}\n${to}`, { epoch, delivered, read })
      const receipt = (seq: Seq): Receipt => ({ from, to, upTo: { epoch, seq } })
      if (delivered > known.delivered)
        guarded(hooks, clock, 'onDelivered', () => hooks.onDelivered?.(receipt(delivered)))
      if (read > known.read) guarded(hooks, clock, 'onRead', () => hooks.onRead?.(receipt(read)))
    },
  }
}

/** Remembers a receipt, and answers what was known before. */
function rise(marks: Map<string, Mark>, pair: string, { epoch, delivered, read }: Mark): Mark {
  const last = marks.get(pair)
  const known = last?.epoch === epoch ? last : { epoch, delivered: 0, read: 0 }
  marks.delete(pair)
  marks.set(pair, { epoch, delivered: Math.max(known.delivered, delivered), read: Math.max(known.read, read) })
  if (marks.size > remembered) marks.delete(marks.keys().next().value as string)
  return known
}

/** A hook that throws is the embedder's bug, and must not cost an actor its turn: where nobody is told it is reported as uncaught. */
function guarded({ onFault }: Hooks, clock: Pick<Clock, 'soon'>, where: Fault['where'], call: () => unknown): void {
  const fail = (error: unknown) => {
    if (onFault) return onFault({ where, error })
    throw error
  }
  try {
    const result = call()
    if (onFault && result instanceof Promise) result.catch(fail)
  } catch (error) {
    clock.soon(() => fail(error))
  }
}
