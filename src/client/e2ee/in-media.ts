/** What sealed media and long bodies need: loaded with the first. */
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { headBytes, typeOf } from '../../protocol/content-type.ts'
import type { SendFrame } from '../../protocol/frames.ts'
import { isGroup, type MediaRef } from '../../protocol/ids.ts'
import { anyType, mayBeCalled } from '../../protocol/media.ts'
import { isSealedGroup } from '../../protocol/sealed.ts'
import { systemClock } from '../clock.ts'
import { MediaError, RefusedError, TimeoutError } from '../errors.ts'
import type { HttpLink } from '../http-link.ts'
import { get, download as plainDownload, upload as plainUpload, put, transfer } from '../media.ts'
import type { Medium, TransferOptions } from '../transfers.ts'
import { format, Layout } from './chunks.ts'
import { OpenedContent, SealedContent } from './content.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { bodyType, partsOf } from './medium.ts'
import type { E2eeOptions } from './types.ts'

/** Milliseconds that what comes waits for a long body: less than a connection is silent before it is given up. */
const bodyMs = 10_000
/** Bytes of a long body: what is longer is not sent so, and what says to be is not read. */
const mostBody = 1024 * 1024

type Content = Parameters<typeof plainUpload>[1]

/** Seals it, unless what goes to that chat is not sealed. */
export async function upload(
  engine: Engine,
  { plaintext = 'refuse' }: E2eeOptions,
  online: () => Promise<Line>,
  link: HttpLink,
  content: Content,
  options: TransferOptions,
): Promise<Medium> {
  const { to } = options
  if (plaintext !== 'refuse' && to !== undefined && !(await isSealed(engine, online, to)))
    return plainUpload(link, content, options)
  const blob = content instanceof Blob ? content : new Blob([content])
  return uploadSealed(engine, link, blob, await typeIn(blob), options)
}

async function isSealed({ pins }: Engine, online: () => Promise<Line>, chat: string): Promise<boolean> {
  if (isGroup(chat)) return isSealedGroup(chat)
  return (await pins.known(await online(), chat)).chain.n > 0
}

/** As a node says it of what it can read: what its first bytes tell, or what it is called where that fits. */
async function typeIn(blob: Blob, head = blob.slice(0, headBytes)): Promise<string> {
  const found = typeOf(new Uint8Array(await head.arrayBuffer()))
  const [claimed = ''] = blob.type.split(';')
  return mayBeCalled(found, claimed) && claimed !== anyType ? claimed : found
}

/** Each call draws a key of its own. */
async function uploadSealed(
  { random }: Pick<Engine, 'random'>,
  link: HttpLink,
  content: Blob,
  type: string,
  { onProgress, signal }: TransferOptions,
): Promise<Medium> {
  const key = random(32)
  const { size } = content
  const { source, id } = await SealedContent.of(content, key, signal)
  await put(link, source, id, { signal, onProgress: (progress) => onProgress?.(within(size, progress)) })
  const opens = btoa(String.fromCharCode(format, ...key))
  return { id: `${id}#${opens.replaceAll('+', '-').replaceAll('/', '_')}.${size}.${type}`, size, type }
}

/** In bytes of the content: what it is more when it is sealed nobody asks for. */
const within = (size: number, { done }: { readonly done: number }) => ({ done: Math.min(done, size), total: size })

/** An id without what opens it names what is not sealed. */
export async function download(link: HttpLink, name: string, options: TransferOptions): Promise<Blob> {
  const [id, opens = '', length, claimed = ''] = partsOf(name) ?? []
  if (!id && !name.includes('#')) return plainDownload(link, name, options)
  const [form, ...key] = Uint8Array.from(atob(opens.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  )
  if (!id || form !== format) throw new MediaError('wrong_hash', 0)
  const size = Number(length)
  const { onProgress, signal } = options
  const content = new OpenedContent({ id, key: Uint8Array.from(key), size })
  const told = { signal, onProgress: (progress: { readonly done: number }) => onProgress?.(within(size, progress)) }
  await get(link, id, told, (chunk) => content.take(chunk))
  const found = typeOf(content.head.subarray(0, headBytes))
  return content.blob(mayBeCalled(found, claimed) ? claimed : found)
}

/** What the node is told of what a message carries; undefined: that is not sealed. */
export function bareRef({ media }: MediaRef): MediaRef | undefined {
  const [id, , size] = partsOf(media) ?? []
  return id === undefined ? undefined : { media: id, type: anyType, size: new Layout(Number(size)).sealed }
}

/**
 * A message that is too large, as one that is smaller: without the small picture of what it carries, or with its body as what it carries. Where the
 * node does not take that, it is too large.
 */
export async function smaller(engine: Engine, frame: SendFrame): Promise<SendFrame> {
  const [, , , body, , carried, change] = frame
  if (change) throw new RefusedError('too_large')
  if (carried) {
    const { preview: _, ...bare } = carried
    return Object.assign([...frame], { 5: bare }) as unknown as SendFrame
  }
  const isText = typeof body === 'string'
  const content = new Blob([(isText ? utf8ToBytes(body) : body) as Uint8Array<ArrayBuffer>])
  if (content.size > mostBody) throw new RefusedError('too_large')
  // What may be taken later is not refused.
  const failed = (error: unknown) => {
    throw error instanceof MediaError ? new RefusedError(error.retryAfterMs > 0 ? 'busy' : 'too_large') : error
  }
  const { id: media, size, type } = await uploadSealed(engine, engine.http, content, bodyType, {}).catch(failed)
  const ref = { media, size, type }
  return Object.assign([...frame], { 3: isText ? '' : new Uint8Array(0), 5: ref }) as unknown as SendFrame
}

/** The long body of a message; undefined: it is not to be had. */
export async function bodyOf({ http }: Engine, id: string): Promise<Uint8Array | undefined> {
  if (Number(partsOf(id)?.[2]) > mostBody) return undefined
  try {
    const blob = await transfer({ timeout: bodyMs }, systemClock, (given) => download(http, id, given))
    return new Uint8Array(await blob.arrayBuffer())
  } catch (error) {
    if (error instanceof MediaError || error instanceof TimeoutError) return undefined
    throw error
  }
}
