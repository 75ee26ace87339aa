/** What sessions are pushed of sealed bodies: each device its own part, and those that take none know of nothing. */
import type { ServerFrame } from '../../protocol/frames.ts'
import { type Body, type ChatId, type DeviceId, isGroup, type UserId } from '../../protocol/ids.ts'
import { groupIn, postedBody } from '../../protocol/keys/group.ts'
import { keptBody, kindOf, sentIn, toldTo } from '../../protocol/keys/parts.ts'
import { isSealed, isSealedChange, valueIn } from '../../protocol/sealed.ts'
import type { Session } from './session.ts'

/**
 * What is kept of a body that a device sends: of a sealed one what is in it for the recipient, or for the sender's other devices. The log of
 * a group keeps what is for any of its members.
 */
export function keptOf({ user, device }: Session, to: ChatId, body: Body, whose: 'parts' | 'own'): Body {
  if (!isSealed(body)) return body
  const [from, kind, any] = [device as DeviceId, kindOf(body), Number.MAX_SAFE_INTEGER]
  if (!isGroup(to)) {
    const sent = sentIn(body, any)
    return sent ? keptBody({ ...kind, from, parts: sent[whose] }) : body
  }
  const sent = groupIn(body, any)
  if (!sent) return body
  const { shared, own, members } = sent
  if (whose === 'own') return keptBody({ ...kind, from, parts: own, shared })
  // A change comes to its author, too.
  const author = isSealedChange(body) ? [{ user: user as UserId, parts: own }] : []
  return postedBody({ ...kind, from, shared, members: [...members, ...author] })
}

/** A frame as it is for a session, which takes sealed messages or does not. */
export function frameFor({ sealed, device }: Session, frame: ServerFrame): ServerFrame {
  if (frame[0] !== 'message' && frame[0] !== 'copy' && frame[0] !== 'past') return frame
  const at = frame[0] === 'past' ? 6 : 5
  const body = frame[at] as Body
  if (!isSealed(body)) return frame
  // Nobody can read it there any more. An empty one is told: an answer of fewer messages than were asked for would be the last.
  if (frame[0] === 'past') return withItems(frame, { [at]: isSealedChange(body) ? valueIn(body) : '', [at + 1]: null })
  if (sealed) return withItems(frame, { [at]: toldTo(body, device as DeviceId) })
  return isSealedChange(body) ? withItems(frame, { [at]: valueIn(body) }) : ['gone', frame[1], frame[1]]
}

const withItems = (frame: ServerFrame, items: Readonly<Record<number, unknown>>): ServerFrame =>
  Object.assign([...frame], items) as unknown as ServerFrame
