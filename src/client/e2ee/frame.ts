/** Entries as the session takes them, of which what was sealed is not. */
import type { EntryFrame } from '../../protocol/frames.ts'
import type { Body, GroupId } from '../../protocol/ids.ts'
import { isSealedGroup, sealedItem, valueIn } from '../../protocol/sealed.ts'
import { mediumIn } from './medium.ts'
import type { Payload } from './payload.ts'
import type { Carrying } from './repairs.ts'

/** The chat in which a person sees it. */
export const shownIn = (frame: Carrying): string => (frame[0] === 'message' && frame[7]?.group) || frame[3]

/** The sealed group that a frame is of. */
export function groupOf(frame: Carrying): GroupId | undefined {
  const chat = shownIn(frame)
  return isSealedGroup(chat) ? (chat as GroupId) : undefined
}

/** Whom what was sealed in it is for: `me` is the user of this device. */
export const chatOf = (frame: Carrying, me: string): string => groupOf(frame) ?? (frame[0] === 'copy' ? frame[3] : me)

/**
 * What was sealed and is not. What is sealed says for itself what it changes, whatever the server says; `of`: in the group that it was read
 * for. That a user is asked first only the server knows, as well as the name of the group that it shows them: so that does not pass for sealed.
 */
export function sealedFrame(frame: Carrying, body: Body, of?: Carrying, payload?: Payload): EntryFrame {
  const items: unknown[] = [...frame]
  items[5] = body
  items[frame[0] === 'copy' ? 8 : 6] = payload ? mediumIn(payload) : null
  if (frame[0] === 'copy') items[10] = null
  if (frame[0] === 'message') {
    items[9] = null
    items[7] = of && groupOf(of) ? placeIn(of, payload?.change ?? (payload ? undefined : changeIn(of))) : null
    if (payload?.change === 'add' && isInvited(of)) {
      items[5] = String(valueIn((of as Carrying)[5]))
      return items as unknown as EntryFrame
    }
  }
  return [...items, sealedItem] as unknown as EntryFrame
}

const changeIn = (frame: Carrying) => (frame[0] === 'message' ? frame[7]?.change : undefined)
const isInvited = (frame: Carrying | undefined) => frame !== undefined && changeIn(frame) === 'invite'

function placeIn(frame: Carrying, change: string | undefined) {
  if (frame[0] !== 'message' || !frame[7]) return null
  const { group, epoch, at } = frame[7]
  const is = change === 'add' && isInvited(frame) ? 'invite' : change
  return { group, epoch, at, ...(is && { change: is }) }
}
