/** Media as messages carry them: of the content its id is called `media` on the wire, since a message has an id of its own. */
import type { MediaRef } from '../../protocol/ids.ts'
import type { Attachment } from '../types.ts'

export function attachment(ref: MediaRef | null | undefined): Attachment | null {
  if (!ref) return null
  const { media: id, ...rest } = ref
  return { id, ...rest }
}

/** What `upload` answers may grow: only what the wire knows is taken. */
export const mediaRef = ({ id: media, type, size, preview }: Attachment): MediaRef => ({
  media,
  type,
  size,
  ...(preview && { preview }),
})
