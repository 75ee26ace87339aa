/**
 * The frames of protocol v1. A frame is a positional array, `[kind, ...]`; JSON carries kind and code by name,
 * msgpack by number (kinds.ts, codes.ts). docs/protocol.md is the reference for readers of other languages.
 */
import type { ErrorCode } from './codes.ts'
import {
  type Body,
  type DeviceId,
  isCount,
  isId,
  isMedia,
  isMessageId,
  isUserId,
  type MediaRef,
  type MessageId,
  type Millis,
  type Seq,
  type UserId,
} from './ids.ts'
import { kinds } from './kinds.ts'
import type { ClientLimits, Limits } from './limits.ts'

/** What a client may send. */
export type ClientFrame =
  /** Who I am, and how far I have acknowledged which log (`epoch` 0: I have none). `token` null: it came with the upgrade. */
  | readonly ['hello', token: string | null, device: string | null, epoch: number, seq: Seq, background: boolean]
  /** `again`: this id may have been sent before (as MQTT's DUP). Answered by `sent` or `error`. */
  | readonly ['send', id: MessageId, to: UserId, body: Body, again: boolean, media?: MediaRef]
  /** Everything up to `seq` is safe here. Cumulative; not answered. */
  | readonly ['ack', seq: Seq]
  /** The messages of this chat are read up to `seq` of my inbox. Answered by `done` once durable for the peer. */
  | readonly ['read', chat: UserId, seq: Seq]
  /** Answered by `presence`, now and whenever it changes. */
  | readonly ['watch', user: UserId]
  | readonly ['unwatch', user: UserId]
  /** true: the person is here now; false: the app went to the background. Not answered. */
  | readonly ['active', active: boolean]
  | readonly ['ping', n: number]
  | readonly ['pong', n: number]

/** An entry as it is pushed to a device. `seq` 0 on a receipt: it is early news, and will come again as an entry. */
export type EntryFrame =
  | readonly ['message', seq: Seq, id: MessageId, from: UserId, time: Millis, body: Body, media?: MediaRef]
  /** What another device of mine sent, and its position in the recipient's inbox. */
  | readonly [
      'copy',
      seq: Seq,
      id: MessageId,
      to: UserId,
      time: Millis,
      body: Body,
      epoch: number,
      position: Seq,
      media?: MediaRef,
    ]
  /** My messages to `peer` in log `epoch` are delivered and read up to these positions. Cumulative; 0 is none. */
  | readonly ['receipt', seq: Seq, peer: UserId, epoch: number, delivered: Seq, read: Seq]

/** What a server may send. */
export type ServerFrame =
  | EntryFrame
  /** The answer to hello; may come again on the same connection. Entries follow from `seq` + 1. `resumed` false: the presented cursor could not be honoured. */
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
    ]
  /** The replay has reached the tail; from here on entries come as they are appended. */
  | readonly ['live', seq: Seq]
  /** The first tick: the message is durable at this position of the recipient's inbox. */
  | readonly ['sent', id: MessageId, epoch: number, seq: Seq, time: Millis]
  | readonly ['done', kind: 'read' | 'unwatch', ref: string, seq: Seq]
  /** `kind` and `ref` name the refused frame (ref: message id, chat or user); `retryAfter` in ms, 0: never. */
  | readonly ['error', code: ErrorCode, kind: string, ref: string | null, retryAfter: number, text: string]
  /** `lastSeen` null: online now, never seen, or hidden. */
  | readonly ['presence', user: UserId, online: boolean, lastSeen: Millis | null]
  | readonly ['ping', n: number]
  | readonly ['pong', n: number]

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

/** Checks one decoded value from a client. Never throws. */
export function parseClientFrame(value: unknown, limits: Limits): ClientFrame | BadFrame {
  if (!Array.isArray(value) || typeof value[0] !== 'string') return { bad: 'bad_frame', kind: '', ref: null }
  const [kind, a, b, c, d, e] = value as [string, ...unknown[]]
  const bad = (code: ErrorCode): BadFrame => ({ bad: code, kind, ref: isId(a, limits.idLength) ? a : null })
  const id = (value: unknown): value is DeviceId => isId(value, limits.idLength)
  const user = (value: unknown): value is UserId => isUserId(value, limits.idLength)
  switch (kind) {
    case 'hello': {
      const [token, device, epoch, seq, background] = [a ?? null, b ?? null, c ?? 0, d ?? 0, e ?? false]
      if (token !== null && typeof token !== 'string') return { bad: 'bad_frame', kind, ref: null }
      if (device !== null && !id(device)) return { bad: 'bad_id', kind, ref: null }
      if (!isCount(epoch) || !isCount(seq) || typeof background !== 'boolean')
        return { bad: 'bad_frame', kind, ref: null }
      return ['hello', token, device, epoch, seq, background]
    }
    case 'send': {
      if (!isMessageId(a) || !user(b)) return bad('bad_id')
      if (typeof c !== 'string' && !(c instanceof Uint8Array)) return bad('bad_frame')
      if (typeof c === 'string' && !c.isWellFormed()) return bad('bad_frame')
      if (d !== undefined && typeof d !== 'boolean') return bad('bad_frame')
      if (bodySize(c) > limits.bodyBytes) return bad('too_large')
      if (e === undefined || e === null) return ['send', a, b, c, d ?? false]
      return isMedia(e) ? ['send', a, b, c, d ?? false, e] : bad('bad_frame')
    }
    case 'ack':
      return isCount(a) ? ['ack', a] : bad('bad_frame')
    case 'read':
      if (!user(a)) return bad('bad_id')
      return isCount(b) && b > 0 ? ['read', a, b] : bad('bad_frame')
    case 'watch':
    case 'unwatch':
      return user(a) ? [kind, a] : bad('bad_id')
    case 'active':
      return typeof a === 'boolean' ? [kind, a] : bad('bad_frame')
    case 'ping':
    case 'pong':
      return isCount(a) ? [kind, a] : bad('bad_frame')
    default:
      return { bad: 'unknown_kind', kind: Object.hasOwn(kinds, kind) ? kind : '', ref: null }
  }
}
