/** Uploads: whole, or in pieces that may be gone on with. The content is written as it comes, and counts once its hash is right. */
import type { Medium, Upload } from '../media/contract.ts'
import { type NodeMedia, uploadHolder } from '../media/media.ts'
import type { UserId } from '../protocol/ids.ts'
import { anyType, type MediaId, mayBeCalled } from '../protocol/media.ts'
import { BrokenOff } from './body.ts'
import type { Answer, Request } from './http.ts'
import { failure, refusal } from './refusal.ts'

/** Which bytes a request brings. `whole`: it brings all, so what came before counts for nothing. */
type Piece = { readonly first: number; readonly length: number; readonly total: number; readonly whole: boolean }

export async function upload(media: NodeMedia, user: UserId, id: MediaId | null, request: Request): Promise<Answer> {
  const { limits, allowance, underWay } = media
  if (request.header('content-length') === '') return refusal('no_length')
  const piece = pieceOf(request)
  if (!piece || (id === null && !piece.whole)) return refusal('bad_request')
  if (piece.total > limits.mediaBytes) return refusal('too_large')
  const known = id && (await media.known(user, id))
  if (known && known.size !== piece.total) return refusal('wrong_hash')
  if (known) return done(200, known, request.header('content-type'))
  const key = `${user}\0${id}`
  if (id !== null && underWay.has(key)) return refusal('under_way')
  const refused = allowance.enter(user, 'uploads')
  if (refused) return refusal(refused)
  underWay.add(key)
  try {
    return await receive(media, user, id, piece, request)
  } finally {
    underWay.delete(key)
    allowance.leave(user, 'uploads')
  }
}

async function receive(
  media: NodeMedia,
  user: UserId,
  id: MediaId | null,
  piece: Piece,
  { body, header }: Request,
): Promise<Answer> {
  const { store, allowance } = media
  const come = piece.whole || id === null ? 0 : await store.begun(user, id)
  if (!piece.whole && piece.first !== come) return refusal('wrong_offset', { 'upload-offset': String(come) })
  const wait = allowance.take(user, piece.length)
  if (wait > 0) return refusal('over_quota', { 'retry-after': String(Math.ceil(wait / 1_000)) })
  const upload = await store.begin(user, id)
  try {
    if (piece.whole) await upload.restart()
    await write(media, upload, body, piece)
  } catch (error) {
    return broken(media, user, upload, piece, id !== null, error)
  }
  if (upload.size < piece.total) {
    await upload.pause()
    return { status: 202, headers: { 'upload-offset': String(upload.size) } }
  }
  const medium = await upload.finish(uploadHolder(user), media.dayFromNow)
  return medium ? done(201, medium, header('content-type')) : refusal('wrong_hash')
}

async function write(
  { traffic }: NodeMedia,
  upload: Upload,
  body: Request['body'],
  { first, length }: Piece,
): Promise<void> {
  for await (const chunk of body) {
    traffic.received += chunk.length
    await upload.write(chunk)
  }
  if (upload.size !== first + length) throw new BrokenOff('the body was shorter than its content-length')
}

/** What came of an upload that broke off stays only where its id says with what it may be gone on. The quota counts what came. */
async function broken(
  { allowance }: NodeMedia,
  user: UserId,
  upload: Upload,
  { first, length }: Piece,
  resumable: boolean,
  error: unknown,
): Promise<Answer> {
  allowance.giveBack(user, length, upload.size - first)
  const reason = failure(error)
  if (resumable && reason !== 'full') await upload.pause()
  else await upload.drop()
  return refusal(reason)
}

/** The type is what the client called it, where that fits what it is: a recording is `audio/webm`, and by its first bytes a video. */
function done(status: 200 | 201, { id, size, type: found }: Medium, contentType: string): Answer {
  const claimed = contentType.split(';')[0]?.trim() ?? ''
  const type = mayBeCalled(found, claimed) && claimed !== anyType ? claimed : found
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', location: `/media/${id}` },
    body: `${JSON.stringify({ id, size, type })}\n`,
  }
}

/** Reads content-length and content-range. `bytes *`/TOTAL brings nothing, and is answered with the offset. */
function pieceOf({ header }: Request): Piece | undefined {
  const length = Number(header('content-length'))
  const range = header('content-range')
  if (range === '') return { first: 0, length, total: length, whole: true }
  const [, from, to, of] = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/.exec(range) ?? []
  if (of === undefined) return undefined
  const total = Number(of)
  if (from === undefined) return length === 0 ? { first: -1, length, total, whole: false } : undefined
  const [first, last] = [Number(from), Number(to)]
  return last - first + 1 === length && length > 0 && last < total ? { first, length, total, whole: false } : undefined
}
