/** Sealed content as messages name it: inside their seal, and for a program. */
import { type MediaRef, previewBytes } from '../../protocol/ids.ts'
import type { Payload } from './payload.ts'

/** The type of the body of a message that is too long for the message itself. */
export const bodyType = 'bluetick/body'
/** As in protocol/media.ts, of which the first file of the SDK has nothing. */
const anyType = 'application/octet-stream'
/** Of what others say it is, what no browser runs. */
const taken = /^((image|video|audio)\/[\w.-]+|bluetick\/body)$/
/**
 * The id of what the node keeps; behind a `#`, as no program hands that on in an address, what opens it; the size of the content, and its type. So
 * an id by itself is all that `download` needs.
 */
const form = /^([0-9a-f]{64})#([\w-]{44})\.(\d{1,15})\.([\w.+/-]{1,99})$/

export const partsOf = (id: string): string[] | undefined => form.exec(id)?.slice(1)
export const isSealedId = ({ media }: MediaRef): boolean => media.includes('#')

/** What a message carries, as its seal says: null where that is nothing. */
export function mediumIn({ media = '', preview }: Payload): MediaRef | null {
  const [, , size, type = ''] = partsOf(media) ?? []
  if (!size) return null
  const isSmall = preview && preview.length > 0 && preview.length <= previewBytes
  return { media, type: taken.test(type) ? type : anyType, size: Number(size), ...(isSmall && { preview }) }
}
