/** Downloads: whole or by range, never in a way that a browser would execute. */
import type { Medium } from '../media/contract.ts'
import { type NodeMedia, sent } from '../media/media.ts'
import type { UserId } from '../protocol/ids.ts'
import { type MediaId, type MediaType, mediaTypes } from '../protocol/media.ts'
import type { Answer, Request } from './http.ts'
import { refusal } from './refusal.ts'

type Range = { readonly first: number; readonly last: number }

export async function download(
  media: NodeMedia,
  user: UserId,
  id: MediaId,
  { header, method }: Request,
): Promise<Answer> {
  const { store, allowance } = media
  const medium = await store.find(id)
  if (!medium) return unknown(method === 'HEAD' ? await store.begun(user, id) : 0)
  const headers = headersOf(medium)
  if (matches(header('if-none-match'), headers.etag)) return { status: 304, headers }
  const { size } = medium
  const asked = header('if-range') === '' || header('if-range') === headers.etag ? header('range') : ''
  const range = rangeOf(asked, size)
  if (range === 'unsatisfiable') return refusal('bad_range', { 'content-range': `bytes */${size}` })
  const refused = allowance.enter(user, 'downloads')
  if (refused) return refusal(refused)
  const { first, last } = range ?? { first: 0, last: size - 1 }
  return {
    status: range ? 206 : 200,
    headers: range ? { ...headers, 'content-range': `bytes ${first}-${last}/${size}` } : headers,
    body: {
      size: last - first + 1,
      open: () => sent(media, id, first, last),
      close: () => allowance.leave(user, 'downloads'),
    },
  }
}

/** Tells also how much of it this user has uploaded, so that they can go on. */
const unknown = (begun: number): Answer => refusal('unknown_media', begun > 0 ? { 'upload-offset': String(begun) } : {})

/** What is not on the list of types is offered for saving. Nothing runs: no sniffing, no script, no frame, no other site's page. */
function headersOf({ id, type }: Medium) {
  const shown = Object.hasOwn(mediaTypes, type) ? mediaTypes[type as MediaType] : undefined
  const name = `${id.slice(0, 16)}.${shown?.extension ?? 'bin'}`
  return {
    'content-type': type,
    'content-disposition': `${shown ? 'inline' : 'attachment'}; filename="${name}"`,
    'content-security-policy': "default-src 'none'; sandbox; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    // Asked again each time, which costs a 304: what was deleted is gone from here, not shown from a cache.
    'cache-control': 'private, no-cache',
    vary: 'authorization',
    'accept-ranges': 'bytes',
    etag: `"${id}"`,
  }
}

function matches(asked: string, etag: string): boolean {
  return asked.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}

/** The one range that is asked for. Undefined: the whole, also for several ranges or another unit, as RFC 9110 allows. */
function rangeOf(asked: string, size: number): Range | 'unsatisfiable' | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(asked.trim()) ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (from !== '' && to !== '' && Number(to) < first) return undefined
  return first >= size || last < first ? 'unsatisfiable' : { first, last }
}
