/** Pictures, videos and other files: they go over HTTP, beside the session, and go on where they broke off. */

import type { Clock } from './clock.ts'
import type { Attempt, HttpLink } from './http-link.ts'
import { checkOptions } from './options.ts'
import type { Medium, TransferOptions } from './transfers.ts'
import { wait } from './waiting.ts'

/** Does a transfer, which ends where its caller gives it up. */
export async function transfer<T>(
  options: TransferOptions,
  clock: Clock,
  work: (options: TransferOptions) => Promise<T>,
): Promise<T> {
  checkOptions('upload and download', options)
  const gaveUp = new AbortController()
  const given = { ...options, signal: gaveUp.signal }
  return wait(
    options,
    clock,
    () => work(given),
    () => gaveUp.abort(),
  )
}

/** Bytes of a piece: it grows while pieces take less than half a second, and shrinks when they take longer than two. */
const leastPiece = 64 * 1024
const mostPiece = 4 * 1024 * 1024

/** What is uploaded: read in pieces, and more than once where a link breaks. */
export type Source = Pick<Blob, 'size' | 'type'> & {
  slice(first: number, end: number, type: string): Blob | Promise<Blob>
}

export async function upload(
  link: HttpLink,
  content: Blob | Uint8Array<ArrayBuffer>,
  options: TransferOptions,
): Promise<Medium> {
  const blob = content instanceof Blob ? content : new Blob([content])
  return put(link, blob, await hashOf(blob), options)
}

/** Begins with a short piece: the answer says whether the node has all of it already, or how much. `id` undefined: it is not known before. */
export function put(
  link: HttpLink,
  source: Source,
  id: string | undefined,
  { onProgress, signal }: TransferOptions,
): Promise<Medium> {
  const total = source.size
  const least = id ? leastPiece : total
  let at: number | undefined = 0
  let next = least
  return link.persist(signal, async (attempt) => {
    const started = link.clock.monotonic()
    const [first, length] = [at, next]
    // A failure leaves this: how much has come is asked first, and a short piece follows.
    at = id ? undefined : 0
    next = least
    const answer = await putPiece(attempt, source, id, first, length)
    const offset = answer.headers.get('upload-offset')
    if (offset === null) {
      const medium: Medium = await attempt.json(answer)
      onProgress?.({ done: total, total })
      return medium
    }
    at = Number(offset)
    next = nextLength(length, link.clock.monotonic() - started)
    onProgress?.({ done: at, total })
    return undefined
  })
}

/** Sends a piece; without `first` it sends nothing, and is answered where the next must start. */
async function putPiece(
  attempt: Attempt,
  source: Source,
  id: string | undefined,
  first: number | undefined,
  length: number,
) {
  const { size, type } = source
  const end = first === undefined ? 0 : Math.min(size, first + length)
  const range = first === undefined ? '*' : `${first}-${end - 1}`
  const whole = first === 0 && end === size
  const headers: Record<string, string> = whole ? {} : { 'content-range': `bytes ${range}/${size}` }
  const body = await source.slice(first ?? 0, end, type)
  return attempt.fetch(id ? `/media/${id}` : '/media', { method: id ? 'PUT' : 'POST', headers, body })
}

/** A page that came over plain HTTP from another machine has no hash function: its upload cannot be gone on with. */
async function hashOf(blob: Blob): Promise<string | undefined> {
  const hash = await (crypto.subtle as SubtleCrypto | undefined)?.digest('SHA-256', await blob.arrayBuffer())
  return hash && Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function nextLength(length: number, ms: number): number {
  if (ms < 500) return Math.min(mostPiece, length * 2)
  return ms > 2_000 ? Math.max(leastPiece, length / 2) : length
}

export async function download(link: HttpLink, id: string, options: TransferOptions): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  const type = await get(link, id, options, (chunk) => chunks.push(chunk))
  return new Blob(chunks, { type })
}

/** Hands on the whole content as it comes; one that breaks off is gone on with by range, as an id never has other content. Answers its type. */
export function get(
  link: HttpLink,
  id: string,
  { onProgress, signal }: TransferOptions,
  take: (chunk: Uint8Array<ArrayBuffer>) => unknown,
): Promise<string> {
  let done = 0
  return link.persist(signal, async (attempt) => {
    const rest: Record<string, string> = done > 0 ? { range: `bytes=${done}-` } : {}
    const answer = await attempt.fetch(`/media/${id}`, { headers: rest })
    const total = done + Number(answer.headers.get('content-length'))
    for await (const chunk of attempt.chunks(answer)) {
      await take(chunk)
      done += chunk.byteLength
      onProgress?.({ done, total })
    }
    return answer.headers.get('content-type') ?? ''
  })
}
