/** Pictures, videos and other files: they go over HTTP, beside the session, and go on where they broke off. */

import type { Clock } from './clock.ts'
import type { Attempt, HttpLink } from './http-link.ts'
import { checkOptions } from './options.ts'
import type { Medium, TransferOptions } from './types.ts'
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
const piece = { least: 64 * 1024, most: 4 * 1024 * 1024 }

/** Begins with a short piece: the answer says whether the node has all of it already, or how much. */
export async function upload(
  link: HttpLink,
  content: Blob | Uint8Array<ArrayBuffer>,
  { onProgress, signal }: TransferOptions,
): Promise<Medium> {
  const blob = content instanceof Blob ? content : new Blob([content])
  const total = blob.size
  const id = await hashOf(blob)
  const least = id === undefined ? total : piece.least
  let at: number | undefined = 0
  let next = least
  return link.persist(signal, async (attempt) => {
    const started = link.clock.monotonic()
    const [first, length] = [at, next]
    // A failure leaves this: how much has come is asked first, and a short piece follows.
    at = id === undefined ? 0 : undefined
    next = least
    const answer = await put(attempt, blob, id, first, length)
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
function put(attempt: Attempt, blob: Blob, id: string | undefined, first: number | undefined, length: number) {
  const end = Math.min(blob.size, (first ?? 0) + length)
  const whole = first === 0 && end === blob.size
  const range = first === undefined ? '*' : `${first}-${end - 1}`
  const headers: Record<string, string> = whole ? {} : { 'content-range': `bytes ${range}/${blob.size}` }
  const body = whole ? blob : blob.slice(first ?? 0, first === undefined ? 0 : end, blob.type)
  return attempt.fetch(id ? `/media/${id}` : '/media', { method: id ? 'PUT' : 'POST', headers, body })
}

/** A page that came over plain HTTP from another machine has no hash function: its upload cannot be gone on with. */
async function hashOf(blob: Blob): Promise<string | undefined> {
  const subtle = crypto.subtle as SubtleCrypto | undefined
  if (!subtle) return undefined
  const hash = new Uint8Array(await subtle.digest('SHA-256', await blob.arrayBuffer()))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function nextLength(length: number, ms: number): number {
  if (ms < 500) return Math.min(piece.most, length * 2)
  return ms > 2_000 ? Math.max(piece.least, length / 2) : length
}

/** The whole content; a range that breaks off is gone on with. */
export async function download(link: HttpLink, id: string, { onProgress, signal }: TransferOptions): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let done = 0
  return link.persist(signal, async (attempt) => {
    const rest: Record<string, string> = done > 0 ? { range: `bytes=${done}-`, 'if-range': `"${id}"` } : {}
    const answer = await attempt.fetch(`/media/${id}`, { headers: rest })
    const total = done + Number(answer.headers.get('content-length'))
    for await (const chunk of attempt.chunks(answer)) {
      chunks.push(chunk)
      done += chunk.byteLength
      onProgress?.({ done, total })
    }
    return new Blob(chunks, { type: answer.headers.get('content-type') ?? '' })
  })
}
