/** What a client sends, checked: its values are of the shapes and within the limits that frames.ts and ids.ts name. */
import type { ErrorCode } from './codes.ts'
import { type BadFrame, bodySize, type ClientFrame, historyLimit, type SendFrame } from './frames.ts'
import { isChange } from './group.ts'
import {
  type ChatId,
  type DeviceId,
  isBody,
  isChatId,
  isCount,
  isGroup,
  isGroupId,
  isId,
  isMedia,
  isMessageId,
  isUserId,
} from './ids.ts'
import { kinds } from './kinds.ts'
import type { Limits } from './limits.ts'
import { isSealed, isSealedChange, isSealedGroup, valueIn } from './sealed.ts'
import { isSetting } from './settings.ts'

/** Checks one decoded value from a client. Never throws. */
export function parseClientFrame(value: unknown, limits: Limits): ClientFrame | BadFrame {
  if (!Array.isArray(value) || typeof value[0] !== 'string') return { bad: 'bad_frame', kind: '', ref: null }
  // Most frames are of these kinds: without the closures below each takes 150 bytes less.
  if (value[0] === 'send') return parseSend(value, limits)
  if (value[0] === 'ack') return isCount(value[1]) ? ['ack', value[1]] : refused('bad_frame', 'ack', value[1], limits)
  const [kind, a, b, c, d, e] = value as [string, ...unknown[]]
  const bad = (code: ErrorCode): BadFrame => refused(code, kind, a, limits)
  const id = (value: unknown): value is DeviceId => isId(value, limits.idLength)
  const chat = (value: unknown): value is ChatId => isChatId(value, limits.idLength)
  switch (kind) {
    case 'hello':
      return parseHello(value, limits)
    case 'read':
      if (!chat(a)) return bad('bad_id')
      return isCount(b) && b > 0 ? ['read', a, b] : bad('bad_frame')
    case 'delete':
      if (!chat(a)) return bad('bad_id')
      return isCount(b) && isCount(c) && b > 0 && c >= b ? ['delete', a, b, c] : bad('bad_frame')
    case 'history':
      return past(a, b, c, d, e, limits) ?? bad('bad_frame')
    case 'typing':
      if (!chat(a)) return bad('bad_id')
      return b === 0 || b === 1 || b === 2 ? [kind, a, b] : bad('bad_frame')
    case 'watch':
    case 'unwatch':
      return chat(a) ? [kind, a] : bad('bad_id')
    case 'members':
      return isGroupId(a, limits.idLength) ? [kind, a] : bad('bad_id')
    case 'ticks':
      if (!isGroupId(a, limits.idLength)) return bad('bad_id')
      return isCount(b) && b > 0 ? [kind, a, b] : bad('bad_frame')
    case 'stand':
      if (!chat(a)) return bad('bad_id')
      return isCount(b) && isCount(c) && isCount(d) ? [kind, a, b, c, d] : bad('bad_frame')
    case 'active':
      return typeof a === 'boolean' ? [kind, a] : bad('bad_frame')
    case 'set': {
      if (!id(a)) return { bad: 'bad_frame', kind, ref: null }
      const change = [b, c, d ?? true] as const
      return isSetting(change, limits.idLength) ? ['set', a, ...change] : bad('bad_frame')
    }
    case 'ask':
      return a === 'settings' || a === 'devices' || a === 'chats' ? ['ask', a] : bad('bad_frame')
    case 'remove':
      return id(a) ? ['remove', a] : bad('bad_id')
    case 'chain':
      if (!isUserId(a, limits.idLength)) return bad('bad_id')
      return isCount(b) && b > 0 ? [kind, a, b] : bad('bad_frame')
    case 'link':
    case 'prekeys':
      return id(a) && b instanceof Uint8Array ? [kind, a, b] : bad('bad_frame')
    case 'claim':
      if (!id(a)) return bad('bad_frame')
      return chat(b) && isUserId(c, limits.idLength) ? [kind, a, b, c] : bad('bad_id')
    case 'token':
      return typeof a === 'string' ? [kind, a] : { bad: 'bad_frame', kind, ref: null }
    case 'ping':
    case 'pong':
      return isCount(a) ? [kind, a] : bad('bad_frame')
    default:
      return { bad: 'unknown_kind', kind: Object.hasOwn(kinds, kind) ? kind : '', ref: null }
  }
}

const refused = (code: ErrorCode, kind: string, ref: unknown, { idLength }: Limits): BadFrame => ({
  bad: code,
  kind,
  ref: isId(ref, idLength) ? ref : null,
})

function parseHello([, a, b, c, d, e, f, g, h]: unknown[], { idLength }: Limits): ClientFrame | BadFrame {
  const bad = (code: ErrorCode): BadFrame => ({ bad: code, kind: 'hello', ref: null })
  const [token, device, epoch, seq] = [a ?? null, b ?? null, c ?? 0, d ?? 0]
  const [background, life, seen, sealed] = [e ?? false, f ?? 0, g ?? 0, h ?? false]
  if (token !== null && typeof token !== 'string') return bad('bad_frame')
  if (device !== null && !isId(device, idLength)) return bad('bad_id')
  if (!isCount(epoch) || !isCount(seq) || !isCount(life) || !isCount(seen)) return bad('bad_frame')
  if (typeof background !== 'boolean' || typeof sealed !== 'boolean') return bad('bad_frame')
  const hello = ['hello', token, device as DeviceId | null, epoch, seq, background, life, seen] as const
  return sealed ? [...hello, sealed] : hello
}

function parseSend([, id, to, body, again, media, change]: unknown[], limits: Limits): ClientFrame | BadFrame {
  if (!isMessageId(id) || !isChatId(to, limits.idLength)) return refused('bad_id', 'send', id, limits)
  if (!isBody(body)) return refused('bad_frame', 'send', id, limits)
  if (again !== undefined && typeof again !== 'boolean') return refused('bad_frame', 'send', id, limits)
  const sealed = isSealed(body)
  if (bodySize(body) > (sealed ? limits.sealedBytes : limits.bodyBytes)) return refused('too_large', 'send', id, limits)
  const changes = (change ?? undefined) !== undefined
  if (sealed && (isSealedChange(body) !== changes || isGroup(to) !== isSealedGroup(to)))
    return refused('bad_frame', 'send', id, limits)
  if (sealed && changes && !isGroup(to)) return refused('bad_frame', 'send', id, limits)
  // Those two a member says for themselves alone.
  if (!sealed && isSealedGroup(to) && change !== 'leave' && change !== 'join')
    return refused('not_sealed', 'send', id, limits)
  const send = ['send', id, to, body, again ?? false] as const
  return addressed(send, media ?? undefined, change ?? undefined, limits) ?? refused('bad_frame', 'send', id, limits)
}

/** A send with what it has only sometimes; undefined where that does not fit. */
function addressed(send: SendFrame, media: unknown, change: unknown, limits: Limits): SendFrame | undefined {
  const [kind, id, to, body, again] = send
  if (media !== undefined && !isMedia(media)) return undefined
  if (change === undefined) return media === undefined ? send : [kind, id, to, body, again, media]
  if (!isChange(change, valueIn(body), limits.idLength) || !(isGroup(to) || change === 'lifetime')) return undefined
  return [kind, id, to, body, again, media ?? null, change]
}

function past(
  ref: unknown,
  chat: unknown,
  time: unknown,
  seq: unknown,
  limit: unknown,
  { idLength }: Limits,
): ClientFrame | undefined {
  if (!isId(ref, idLength) || !isChatId(chat, idLength) || !isCount(time) || !isCount(seq)) return undefined
  const fits = isCount(limit) && limit > 0 && limit <= historyLimit && (time === 0) === (seq === 0)
  return fits ? ['history', ref, chat, time, seq, limit] : undefined
}
