/** `/media`: who may come, and what they are told. docs/media.md is the reference. */
import type { Enter, Entrant } from '../hosts/sessions/entrance.ts'
import type { NodeMedia } from '../media/media.ts'
import type { UserId } from '../protocol/ids.ts'
import { isMediaId } from '../protocol/media.ts'
import { download } from './download.ts'
import type { Answer, Request, Route } from './http.ts'
import type { Origins } from './origin.ts'
import { failure, refusal } from './refusal.ts'
import { upload } from './upload.ts'

type Context = {
  /** Undefined: this node keeps no media. */
  readonly media: NodeMedia | undefined
  readonly enter: Enter
  /** Whether somebody's device was removed after their token was made. */
  readonly removed: (entrant: Entrant) => Promise<boolean>
  readonly origins: Origins
}

export function mediaRoute({ media, enter, removed, origins }: Context): Route {
  return async (request) => {
    const { method, path } = request
    if (!media) return undefined
    if (origins.refusal(request) !== undefined) return refusal('other_origin')
    const shared = sharedWith(origins, request.header('origin'))
    if (method === 'OPTIONS') return { status: 204, headers: { ...preflight, ...shared } }
    const answered = async () => {
      const entrant = await enterBy(request, enter)
      if (typeof entrant === 'string') return refusal(entrant)
      if (await removed(entrant)) return refusal('bad_token')
      return answerUser(media, entrant.user, path.slice(7), request)
    }
    const answer = await answered().catch((error) => refusal(failure(error)))
    return { ...answer, headers: { ...answer.headers, ...shared } }
  }
}

async function answerUser(media: NodeMedia, user: UserId, id: string, request: Request): Promise<Answer> {
  const { method } = request
  if (method === 'POST' && id === '') return upload(media, user, null, request)
  if (!isMediaId(id)) return refusal('unknown_media')
  if (method === 'PUT') return upload(media, user, id, request)
  if (method === 'GET' || method === 'HEAD') return download(media, user, id, request)
  return refusal('bad_method', { allow: 'GET, HEAD, PUT, OPTIONS' })
}

async function enterBy({ header, address }: Request, enter: Enter): ReturnType<Enter> {
  const token = /^Bearer (.+)$/i.exec(header('authorization'))?.[1]
  return token === undefined ? 'bad_token' : enter(token, { device: null, address })
}

/** A page that may come, and has a token, may use it: there is no cookie that a browser would add by itself. */
const sharedWith = (origins: Origins, origin: string): Record<string, string> => ({
  'access-control-expose-headers': 'content-range, etag, retry-after, upload-offset',
  ...(origins.any && { 'access-control-allow-origin': '*' }),
  ...(!origins.any && origin !== '' && { 'access-control-allow-origin': origin, vary: 'authorization, origin' }),
})
const preflight = {
  'access-control-allow-methods': 'GET, HEAD, PUT, POST',
  'access-control-allow-headers': 'authorization, content-range, content-type, if-none-match, if-range, range',
  'access-control-max-age': '86400',
}
