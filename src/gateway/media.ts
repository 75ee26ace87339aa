/** `/media`: who may come, and what they are told. docs/media.md is the reference. */
import type { Authenticate } from '../hosts/ports.ts'
import type { NodeMedia } from '../media/media.ts'
import { isUserId, type UserId } from '../protocol/ids.ts'
import { isMediaId, type MediaError, mediaErrors } from '../protocol/media.ts'
import { download } from './download.ts'
import type { Answer, Request, Route } from './http.ts'
import type { Origins } from './origin.ts'
import { upload } from './upload.ts'

type Context = {
  /** Undefined: this node keeps no media. */
  readonly media: NodeMedia | undefined
  readonly authenticate: Authenticate
  readonly origins: Origins
}

export function mediaRoute({ media, authenticate, origins }: Context): Route {
  return async (request) => {
    const { method, path } = request
    if (!media) return undefined
    if (origins.refusal(request) !== undefined) return refusal('other_origin')
    const shared = sharedWith(origins, request.header('origin'))
    if (method === 'OPTIONS') return { status: 204, headers: { ...preflight, ...shared } }
    const answered = userOf(request, authenticate, media.limits.idLength).then((user) =>
      user === undefined ? refusal('bad_token') : answerUser(media, user, path.slice(7), request),
    )
    const answer = await answered.catch((error) => refusal(failure(error)))
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

/** What went wrong in the media store, or in telling who asks, as the client is told. */
export const failure = (error: unknown): MediaError =>
  /^(ENOSPC|full)$/.test(String((error as { code?: unknown }).code)) ? 'full' : 'unavailable'

/** A refusal as its row in the table says, in JSON. */
export function refusal(error: MediaError, headers: Record<string, string> = {}): Answer {
  const { status, retryAfter, text } = mediaErrors[error]
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(retryAfter > 0 && { 'retry-after': String(retryAfter) }),
      ...(error === 'bad_token' && { 'www-authenticate': 'Bearer' }),
      ...headers,
    },
    body: `${JSON.stringify({ error, text })}\n`,
  }
}

async function userOf(request: Request, authenticate: Authenticate, idLength: number): Promise<UserId | undefined> {
  const token = /^Bearer (.+)$/i.exec(request.header('authorization'))?.[1]
  if (token === undefined) return undefined
  const user = (await authenticate(token, { device: null, address: request.address }))?.user
  return isUserId(user, idLength) ? user : undefined
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
