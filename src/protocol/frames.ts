/**
 * The frames of protocol v1. A frame is a positional array, `[kind, ...]`; JSON carries kind and code by name,
 * msgpack by number (kinds.ts, codes.ts). docs/protocol.md is the reference for readers of other languages.
 */
import type { ErrorCode } from './codes.ts'
import type { Change, Place } from './group.ts'
import type { Body, ChatId, DeviceId, GroupId, MediaRef, MessageId, Millis, Seq, UserId } from './ids.ts'
import type { Lifetime } from './lifetime.ts'
import type { Audience, Choices } from './settings.ts'
import type { ClientLimits } from './told-limits.ts'

/**
 * A message to a user or a group, or with `change` one that changes the group or the lifetime of the chat. `again`: this id may have been sent before
 * (as MQTT's DUP). Answered by `sent` or `error`.
 */
export type SendFrame = readonly [
  'send',
  id: MessageId,
  to: ChatId,
  body: Body,
  again: boolean,
  media?: MediaRef | null,
  change?: Change,
]

type Users = readonly UserId[]

/** What a client may send. */
export type ClientFrame =
  /**
   * Who I am, and how far I have acknowledged which log (`epoch` 0: I have none), of which life (0: I do not tell); up to `seen` I
   * have what I did not acknowledge. `token` null: it came with the upgrade. `sealed`: I take sealed messages; who does not gets `gone` in their place.
   */
  | readonly [
      'hello',
      token: string | null,
      device: string | null,
      epoch: number,
      seq: Seq,
      background: boolean,
      life?: number,
      seen?: Seq,
      sealed?: boolean,
    ]
  | SendFrame
  /** Everything up to `seq` is safe here. Cumulative; not answered. */
  | readonly ['ack', seq: Seq]
  /** The messages of this chat are read up to `seq` of my inbox. Answered by `done` once durable for the peer. */
  | readonly ['read', chat: ChatId, seq: Seq]
  /** Of a user: answered by `presence`, now and whenever it changes. Of a group: who types in it. Answered by `done`, or `error`. */
  | readonly ['watch', chat: ChatId]
  | readonly ['unwatch', chat: ChatId]
  /** Who is in a group: answered by `group`. Who has the message at `at` of its log: answered by `ticks`. */
  | readonly ['members', group: GroupId]
  | readonly ['ticks', group: GroupId, at: Seq]
  /** Does what I was told of my messages to this chat up to `seq` of log `epoch`, in that life, still hold? Answered by `stands`, or `error`. */
  | readonly ['stand', chat: ChatId, epoch: number, seq: Seq, life: number]
  /** true: the person is here now; false: the app went to the background. Not answered. */
  | readonly ['active', active: boolean]
  /** Changes a setting, as settings.ts says. `ref`: what the client calls it. Answered by `done` once durable, or by `error`. */
  | readonly ['set', ref: string, name: keyof Choices, value: string | boolean, on: boolean]
  | readonly ['set', ref: string, name: 'tags', value: UserId, on: string]
  /** Answered by what it asks for, then `done`. */
  | readonly ['ask', what: Asked]
  /** Takes a device from the user: its session is closed. Answered by `done` once durable, or by `error`. */
  | readonly ['remove', device: DeviceId]
  /**
   * Deletes for me what this chat has in `from` to `upTo` of my inbox, there and in its history. Answered by `done` once durable,
   * or by `error`. To repeat it is harmless.
   */
  | readonly ['delete', chat: ChatId, from: Seq, upTo: Seq]
  /**
   * Messages of a permanent chat, newest first, older than the one of `time` at `seq` of my inbox; both 0: from the newest.
   * Answered by `past` for each, then `done`; or by `error`.
   */
  | readonly ['history', ref: string, chat: ChatId, time: Millis, seq: Seq, limit: number]
  /** What I am doing in a chat. Not answered; may be dropped. */
  | readonly ['typing', chat: ChatId, what: Typing]
  /** The links of a user's chain of devices from number `from` on. Answered by `links`, or `error`. */
  | readonly ['chain', user: UserId, from: number]
  /** A link to add to my chain, as keys/link.ts says. Answered by `done` with its number, or `error`. */
  | readonly ['link', ref: string, link: Uint8Array]
  /** What this device leaves for others, as keys/upload.ts says. Answered by `done` with how many prekeys for one use are left, or `error`. */
  | readonly ['prekeys', ref: string, upload: Uint8Array]
  /** What `user` has left, to write to them in `chat`. Answered by `bundles`, or `error`. */
  | readonly ['claim', ref: string, chat: ChatId, user: UserId]
  /** Another token for the one that is about to expire, as `renew` asked. Answered by `done`, or by `error`. */
  | readonly ['token', token: string]
  | readonly ['ping', n: number]
  | readonly ['pong', n: number]

/** What a person does in a chat: nothing, typing, or recording. */
export type Typing = 0 | 1 | 2

/** What a device may ask for. */
export type Asked = 'settings' | 'devices' | 'chats'

/** Messages that one `history` may bring. */
export const historyLimit = 100

/** An entry, or a run of `gone` ones, as it is pushed to a device. `seq` 0 on a receipt or on `seen`: it is early news, and will come again as an entry. */
export type EntryFrame =
  | readonly [
      'message',
      seq: Seq,
      id: MessageId,
      from: UserId,
      time: Millis,
      body: Body,
      media?: MediaRef | null,
      place?: Place | null,
      lifetime?: Lifetime | null,
      change?: Change,
    ]
  /** What another device of mine sent, and its position in the recipient's inbox. */
  | readonly [
      'copy',
      seq: Seq,
      id: MessageId,
      to: ChatId,
      time: Millis,
      body: Body,
      epoch: number,
      position: Seq,
      media?: MediaRef | null,
      lifetime?: Lifetime | null,
      change?: Change,
    ]
  /** My messages to `peer` in log `epoch` are delivered and read up to these positions. Cumulative; 0 is none. */
  | readonly ['receipt', seq: Seq, peer: ChatId, epoch: number, delivered: Seq, read: Seq]
  /** A device of mine has read `chat` up to entry `upTo` of my inbox. */
  | readonly ['seen', seq: Seq, chat: ChatId, upTo: Seq]
  /** What stood at `seq` to `upTo` has vanished or was deleted. */
  | readonly ['gone', seq: Seq, upTo: Seq]
  /** A device of mine has deleted what `chat` has in `from` to `upTo` of my inbox. */
  | readonly ['deleted', seq: Seq, chat: ChatId, from: Seq, upTo: Seq]

/**
 * Why a cursor is not honoured. `reset`: it is of another log, or of what was lost when the store was put back; `trimmed`: entries after it have expired; `expired`: the
 * device was not seen for too long, or is not known any more; `removed`: another device removed it.
 */
export type Lost = 'reset' | 'trimmed' | 'expired' | 'removed'

/** What a server may send. */
export type ServerFrame =
  | EntryFrame
  /**
   * The answer to hello; may come again on the same connection. Entries follow from `seq` + 1. `resumed` false: the presented cursor
   * could not be honoured. `life` names this start of the node; missing where the store keeps none.
   */
  | readonly [
      'welcome',
      user: UserId,
      device: DeviceId,
      epoch: number,
      seq: Seq,
      tail: Seq,
      resumed: boolean,
      time: Millis,
      limits: ClientLimits,
      why?: Lost | null,
      life?: number,
    ]
  /** The replay has reached the tail; from here on entries come as they are appended. */
  | readonly ['live', seq: Seq]
  /** The first tick: the message is durable at this position of the recipient's inbox. `lifetime`: where it is not `default`. */
  | readonly ['sent', id: MessageId, epoch: number, seq: Seq, time: Millis, lifetime?: Lifetime]
  /** `from`: of a `delete`. */
  | readonly ['done', kind: Answered, ref: string, seq: Seq, from?: Seq]
  /** `kind` and `ref` name the refused frame (ref: message id, chat or user); `retryAfter` in ms, 0: never. */
  | readonly ['error', code: ErrorCode, kind: string, ref: string | null, retryAfter: number, text: string]
  /** A message of a history. One of my own has its place with the peer in `epoch` and `position`; else they are 0. */
  | readonly [
      'past',
      ref: string,
      seq: Seq,
      id: MessageId,
      from: UserId,
      time: Millis,
      body: Body,
      media: MediaRef | null,
      epoch: number,
      position: Seq,
      place: Place | null,
      change: Change | null,
    ]
  /** A group as it is now. `history`: how many earlier entries a new member sees. */
  | readonly ['group', group: GroupId, name: string, history: number, admins: Users, members: Users, lifetime: Lifetime]
  /** The other members who have the message at `at` of the group's log, and those who have read it. */
  | readonly ['ticked', group: GroupId, at: Seq, delivered: Users, read: Users]
  /** What I was told in that life holds up to `upTo`; what came after that was lost. The log is called `now`, and seqs are as they were. */
  | readonly ['stands', chat: ChatId, epoch: number, life: number, upTo: Seq, now: number]
  /** `lastSeen` null: online now, never seen, or hidden. */
  | readonly ['presence', user: UserId, online: boolean, lastSeen: Millis | null]
  /** What `user` is doing in a chat. Counts for a few seconds. */
  | readonly ['typing', chat: ChatId, what: Typing, user: UserId]
  /** A device of mine; `lastSeen`: when it was connected last. */
  | readonly ['device', device: DeviceId, connected: boolean, lastSeen: Millis]
  /**
   * A chat of mine: where its newest message or copy stands in my inbox, how many messages of others are unread, up to which entry it is
   * read (0: not at all), how long its messages stay, and its tags as in `settings`.
   */
  | readonly ['chat', chat: ChatId, seq: Seq, time: Millis, unread: number, read: Seq, lifetime: Lifetime, tags: string]
  /** My settings, after a change and when asked for; lists are text: a user in each line, or a chat, a tab and its lifetime or tags. */
  | readonly [
      'settings',
      lastSeen: Audience,
      writers: Audience,
      receipts: boolean,
      blocked: string,
      contacts: string,
      lifetimes: string,
      groups?: Audience,
      tags?: string,
    ]
  /** Links of a user's chain from number `from` on, as keys/bytes.ts frames them: maybe not all of the `n` that there are. */
  | readonly ['links', user: UserId, from: number, n: number, links: Uint8Array]
  /** The answer to a claim, as keys/bundles.ts says, for a chain of `n` links. */
  | readonly ['bundles', ref: string, n: number, bundles: Uint8Array]
  /** So many prekeys for one use of this device are left: it is to bring more. */
  | readonly ['low', left: number]
  /** The token expires in `ms`: send another one by `token`, else this connection is closed with `expired`. */
  | readonly ['renew', ms: number]
  | readonly ['ping', n: number]
  | readonly ['pong', n: number]

/** The kinds of frames that are answered by `done`. */
type Answered =
  | 'read'
  | 'watch'
  | 'unwatch'
  | 'set'
  | 'ask'
  | 'remove'
  | 'delete'
  | 'history'
  | 'token'
  | 'link'
  | 'prekeys'

export type Frame = ClientFrame | ServerFrame

/** A frame that is not accepted: the code, and what an answer needs to name it. */
export type BadFrame = { readonly bad: ErrorCode; readonly kind: string; readonly ref: string | null }

const utf8 = new TextEncoder()

/** Bytes of a body on the wire (UTF-8 for text). */
export function bodySize(body: Body): number {
  if (typeof body !== 'string') return body.byteLength
  for (let i = 0; i < body.length; i++) if (body.charCodeAt(i) > 127) return utf8.encode(body).byteLength
  return body.length
}
