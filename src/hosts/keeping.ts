/** Media of permanent chats: it stays as long as the history of a party, which may be for ever. */
import { untilReleased } from '../media/contract.ts'
import { chatHolder, type NodeMedia } from '../media/media.ts'
import type { UserId } from '../protocol/ids.ts'
import type { MediaId } from '../protocol/media.ts'
import type { Entry } from '../store/contract.ts'
import { chatOf, isKept } from '../store/lasting.ts'

/** Holds what these entries carry into the user's histories, before they are appended. Undefined: that is nothing. */
export function keepMedia(
  media: NodeMedia | undefined,
  user: UserId,
  entries: readonly Entry[],
): Promise<unknown> | undefined {
  if (!media || !entries.some((entry) => isKept(user, entry) && entry.media)) return undefined
  return Promise.all(
    entries.map((entry) =>
      isKept(user, entry) && entry.media
        ? media.store.refer(entry.media.media as MediaId, [chatHolder(user, chatOf(entry))], untilReleased)
        : undefined,
    ),
  )
}
