/** Message ids as bytes: a UUID has 16, and takes 38 as text. Each message is there four times: as entry and copy, and in what marks their repeats. */
import { isMessageId, type MessageId } from '../../protocol/ids.ts'

/** Of what is no UUID, the text itself. */
export const packedId = (id: MessageId): Buffer | MessageId =>
  isMessageId(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id

const digits = Buffer.from('0123456789abcdef')
/** One string of 36 characters is made of it: one of pieces would take five times the memory. */
const text = Buffer.from('........-....-....-....-............')
const places = [...text.toString()].flatMap((char, at) => (char === '-' ? [] : [at]))

/** Rows of version 7 have text. */
export function idFrom(packed: Uint8Array | MessageId): MessageId {
  if (typeof packed === 'string') return packed
  for (const [n, place] of places.entries()) {
    const byte = packed[n >> 1] as number
    text[place] = digits[n % 2 === 0 ? byte >> 4 : byte & 15] as number
  }
  return text.toString('latin1') as MessageId
}
