/** What the session machine hears, and what it asks to be done. */
import type { ClientFrame, ServerFrame } from '../../protocol/frames.ts'
import type { Cursor } from '../../protocol/ids.ts'
import type { EndCode } from '../errors.ts'
import type { ClientEvents, Outgoing, Presence } from '../types.ts'

/** A message of this user that is not read or refused yet. */
export type Out = {
  message: Outgoing
  /** The order of the calls, also across restarts. */
  readonly n: number
  /** It may be at the server already. */
  again: boolean
  /** The life of the node in which its place was told; 0: in none that is known. */
  life: number
  /** The storage has it as one that was never said: that it may have been is to be kept before it is. */
  readonly unsaid?: boolean
}

/** What is asked of the server, and must be answered. */
export type Request = Extract<
  ClientFrame,
  readonly ['set' | 'ask' | 'remove' | 'members' | 'ticks' | 'delete' | 'history', ...unknown[]]
>
/** What a question brings, before its `done`; a question about a group has none. */
export type Listed = Extract<ServerFrame, readonly ['device' | 'past' | 'chat', ...unknown[]]>
/** What a request is answered with; a change with nothing. */
export type Answer = readonly (Listed | Extract<ServerFrame, readonly ['group' | 'ticked', ...unknown[]]>)[]

/** What somebody does in a chat; null: nothing more. */
export type Doing = ClientEvents['typing']['doing']

export type SessionMessage =
  /** What the storage kept; comes first, and once. */
  | { readonly is: 'loaded'; readonly kept: ReadonlyMap<string, unknown> }
  /** The answers to `dial`: the link is open; or there is no token, so none was tried. */
  | { readonly is: 'opened'; readonly token: string }
  | { readonly is: 'no_token'; readonly cause: unknown }
  /** The answer to `renew`. */
  | { readonly is: 'renewed'; readonly token: string }
  | { readonly is: 'heard'; readonly frames: readonly ServerFrame[] }
  | { readonly is: 'lost'; readonly code: number; readonly why?: string | undefined }
  /** The time that `nextWake` named has come. */
  | { readonly is: 'tick' }
  /** A message is in the storage, and is to be sent. */
  | { readonly is: 'queued'; readonly out: Out }
  /** The program takes back a message. */
  | { readonly is: 'cancel'; readonly id: string }
  /** The application has finished with the messages that it held. */
  | { readonly is: 'finished' }
  /** The storage has that messages up to this `n` may have been said. */
  | { readonly is: 'said'; readonly upTo: number }
  /** A cursor is in the storage. */
  | { readonly is: 'stored'; readonly cursor: Cursor }
  | { readonly is: 'read'; readonly chat: string; readonly epoch: number; readonly seq: number }
  | { readonly is: 'watch' | 'unwatch'; readonly user: string }
  | { readonly is: 'request'; readonly frame: Request }
  /** This person has deleted a message of theirs, or a chat. */
  | { readonly is: 'forget'; readonly id: string }
  | { readonly is: 'forget'; readonly chat: string; readonly upTo: number }
  | { readonly is: 'typing'; readonly chat: string; readonly doing: Doing }
  /** The program wants to know the settings, from now on. */
  | { readonly is: 'follow' }
  | { readonly is: 'active'; readonly active: boolean }
  /** Do not wait for the next try, nor trust what may not hold any more. */
  | { readonly is: 'retry' }
  | { readonly is: 'end'; readonly code: EndCode; readonly cause?: unknown }

export type SessionEffect =
  /** Get a token and open a link; what is left of a former one means nothing any more. */
  /** `home`: the node by which it costs least, where the balancer heeds that. */
  | { readonly do: 'dial'; readonly home?: string | undefined }
  /** Get another token: the one that the link was opened with is about to expire. */
  | { readonly do: 'renew' }
  | { readonly do: 'say'; readonly frame: ClientFrame }
  /** Give up the link, after what was said. */
  | { readonly do: 'hangUp'; readonly code: number; readonly reason: string }
  /** Write to the storage, all or nothing with what else is written in this turn; undefined removes. `then` is heard when it is durable. */
  | { readonly do: 'keep'; readonly key: string; readonly value: unknown; readonly then?: SessionMessage }
  | { readonly do: 'presence'; readonly user: string; readonly presence: Presence }
  | { readonly do: 'arrived' }
  /** `code`: why a request was refused. */
  | { readonly do: 'answered'; readonly key: string; readonly code: string | null; readonly answer: Answer }
  | {
      [Name in keyof ClientEvents]: { readonly do: 'tell'; readonly name: Name; readonly event: ClientEvents[Name] }
    }[keyof ClientEvents]

export type SessionOptions = {
  readonly device: string | null
  readonly background: boolean
  /** From 0 to 1, as Math.random. */
  readonly random: () => number
}
