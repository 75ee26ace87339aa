/** Whether a send may be delivered: what the embedder says, and whether the media that it carries is here. */
import { chatHolder, messageHolder, type NodeMedia } from '../media/media.ts'
import type { ErrorCode } from '../protocol/codes.ts'
import type { SendFrame } from '../protocol/frames.ts'
import { isGroup, type MediaRef, type MessageId, type UserId } from '../protocol/ids.ts'
import type { Allow } from './ports.ts'

/** Asks why a send may not be delivered: undefined is that it may. */
type Question = () => Promise<ErrorCode | undefined>
/** What is to be asked about a user's send; undefined where nothing is. */
export type Admit = (from: UserId, send: SendFrame) => Question | undefined

/** `allow` is asked first: what it refuses leaves no reference. */
export function admission(allow: Allow | undefined, media: NodeMedia | undefined): Admit {
  return (from, [, id, to, body, , carried, change]) => {
    const attach = carried ? () => attachTo(media, carried, from, to, id) : undefined
    if (!allow) return attach
    return async () => {
      const allowed = await new Promise<boolean>((resolve) =>
        resolve(allow({ id, from, to, body, ...(change && { change }) })),
      ).catch(() => false)
      return allowed ? attach?.() : 'refused'
    }
  }
}

/** The media of a 1:1 message is kept by both parties: each has a copy of the chat. A group keeps its own. */
export async function attachTo(
  media: NodeMedia | undefined,
  carried: MediaRef,
  from: UserId,
  to: UserId,
  id: MessageId,
) {
  const holders = isGroup(to) ? [chatHolder(to, to)] : [messageHolder(to, from, id), messageHolder(from, to, id)]
  return media ? media.attach(carried, from, holders, Date.now()) : 'unknown_media'
}
