/** Whether a send may be delivered: what the embedder says, and whether the media that it carries is here. */

import { type Allow, Unavailable } from '../../embed/authenticate.ts'
import { late } from '../../embed/deadline.ts'
import { attachTo, type NodeMedia } from '../../media/media.ts'
import type { ErrorCode } from '../../protocol/codes.ts'
import type { SendFrame } from '../../protocol/frames.ts'
import type { UserId } from '../../protocol/ids.ts'
import { valueIn } from '../../protocol/sealed.ts'

/** Asks why a send may not be delivered: undefined is that it may. */
type Question = () => Promise<ErrorCode | undefined>
/** What is to be asked about a user's send; undefined where nothing is. */
export type Admit = (from: UserId, send: SendFrame) => Question | undefined

/** First, what public keys say of it. */
export const checked =
  (check: Admit, admit: Admit): Admit =>
  (from, send) => {
    const [first, then] = [check(from, send), admit(from, send)]
    return first ? async () => (await first()) ?? (await then?.()) : then
  }

/** `allow` is asked first: what it refuses leaves no reference. Where it does not answer in time, or cannot tell, the send may come again. */
export function admission(allow: Allow | undefined, media: NodeMedia | undefined): Admit {
  return (from, [, id, to, body, , carried, change]) => {
    const attach = carried ? () => attachTo(media, carried, from, id) : undefined
    if (!allow) return attach
    return async () => {
      try {
        const allowed = await allow({ id, from, to, body: valueIn(body), ...(change && { change }) })
        return allowed ? attach?.() : 'refused'
      } catch (error) {
        return error === late || error instanceof Unavailable ? 'busy' : 'refused'
      }
    }
  }
}
