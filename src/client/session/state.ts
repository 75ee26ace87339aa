/** What a session holds. */
import type { ClientFrame, Typing } from '../../protocol/frames.ts'
import type { Millis } from '../../protocol/ids.ts'
import { type ClientLimits, toldLimits } from '../../protocol/told-limits.ts'
import type { ConnectionStatus, Settings } from '../types.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import type { Listed, Request, SessionEffect, SessionOptions } from './types.ts'

/** The state belongs to the machine, which changes it in place. */
export type SessionState = {
  readonly options: SessionOptions
  status: ConnectionStatus
  /** Whose storage it is; undefined until the first welcome. */
  user: string | undefined
  readonly inbox: Inbox
  readonly outbox: Outbox
  /** By chat: how far it is read, until the server has confirmed it. */
  readonly reads: Map<string, number>
  /** Chats whose read mark is to be said. */
  readonly unsaid: Set<string>
  readonly watches: Set<string>
  /** What is asked and not answered, and of it what is to be said. */
  readonly requests: Map<string, Request>
  readonly unsaidRequests: Set<string>
  /** The user's settings, once the program asked for them: then also after each welcome. */
  settings: Settings | undefined
  follows: boolean
  /** What this person does in a chat, as it was said last; and by chat and user what others do. */
  typed: { readonly chat: string; readonly what: Typing; readonly at: Millis } | undefined
  readonly typists: Map<
    string,
    { readonly chat: string; readonly user: string; readonly what: Typing; readonly until: Millis }
  >
  /** What a question brings: it comes in one piece, and its `done` behind it. */
  listing: Listed[]
  limits: ClientLimits
  /** The person is here. */
  active: boolean
  attempt: number
  /** When the next try is due, of one that waits. */
  retryAt: Millis
  /** When this try to connect began, or this connection. */
  since: Millis
  heardAt: Millis
  /** When this try to connect, or this connection, is given up, unless it is heard of before; infinite: nothing is awaited. */
  giveUpAt: Millis
  /** Whether the connection still holds was asked, and only the answer to that tells. */
  probing: boolean
  /** Frames that may be sent now; refilled by time. */
  budget: number
  budgetAt: Millis
  /** Of messages that were queued without a connection, those up to this `n` may be said: the storage has that they may have been. */
  saidUpTo: number
  marking: boolean
  ackDue: boolean
  /** When the last ack or read was said. */
  toldAt: Millis
  /** When reads and watches that were refused for now are said again; 0: none. */
  repeatAt: Millis
}

export const startSession = (options: SessionOptions): SessionState => ({
  options,
  status: { is: 'connecting' },
  user: undefined,
  inbox: new Inbox(),
  outbox: new Outbox(),
  reads: new Map(),
  unsaid: new Set(),
  watches: new Set(),
  requests: new Map(),
  unsaidRequests: new Set(),
  settings: undefined,
  follows: false,
  typed: undefined,
  typists: new Map(),
  listing: [],
  limits: { ...toldLimits, heartbeatMs: 30_000 },
  active: !options.background,
  attempt: 0,
  retryAt: 0,
  // Nothing is tried yet.
  since: Number.POSITIVE_INFINITY,
  heardAt: 0,
  giveUpAt: Number.POSITIVE_INFINITY,
  probing: false,
  budget: 0,
  // Full at first.
  budgetAt: Number.NEGATIVE_INFINITY,
  saidUpTo: 0,
  marking: false,
  ackDue: false,
  toldAt: Number.NEGATIVE_INFINITY,
  repeatAt: 0,
})

/** Says a frame where there is somebody to hear it: what must not be lost is said again after the next welcome. */
export function say(state: SessionState, frame: ClientFrame, out: SessionEffect[]): void {
  if (state.status.is === 'online') out.push({ do: 'say', frame })
}

/** Says a frame that counts against the rate. */
export function spend(state: SessionState, frame: ClientFrame, out: SessionEffect[]): void {
  state.budget -= 1
  say(state, frame, out)
}
