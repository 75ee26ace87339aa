/** HTTP on uWebSockets.js: a request as a value, an answer as a value, and bodies that stream both ways with back-pressure. */
import { STATUS_CODES } from 'node:http'
import { RequestBody } from './body.ts'
import type { HttpRequest, HttpResponse, TemplatedApp } from './uws.ts'

export type Request = {
  readonly method: string
  readonly path: string
  readonly query: string
  /** The client's address, as text. */
  readonly address: string
  /** A header by its name in lower case; '' where there is none. */
  header(name: string): string
  readonly body: AsyncIterable<Uint8Array>
}

export type Answer = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Stream
}
/**
 * A body that is read piece by piece, as fast as the client takes it. Without a size it ends with its last piece. `close` is called once,
 * read to the end or not.
 */
type Stream = { readonly size?: number; open(): AsyncIterable<Uint8Array>; close(): void }

/** Answers a request. Undefined: not found. */
export type Route = (request: Request) => Answer | undefined | Promise<Answer | undefined>

/** Bytes of an unwanted body that are read and thrown away, so that the client hears why; above it the connection is closed. */
const discardBytes = 8 * 1024 * 1024

export const text = (status: number, body: string): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
})

/** `address`: which address the client has. */
type AddressOf = (response: HttpResponse, request: HttpRequest) => string

export const json = (value: unknown): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(value),
})

export function serveHttp(app: TemplatedApp, route: Route, address: AddressOf): void {
  app.any('/*', (response, raw) => {
    const body = new RequestBody(response)
    const request = readRequest(raw, address(response, raw), body)
    // Closed at once: of an answer, also one that ends the connection, uWebSockets.js would go on to the next request, the smuggled one.
    if (isAmbiguous(request)) response.close()
    else void exchange(response, request, body, route)
  })
}

/** Whether it is not certain where its body ends: another server, such as a proxy, may find another end, and another request behind it. */
const isAmbiguous = ({ header }: Request): boolean =>
  !/^\d*$/.test(header('content-length')) || !/^(chunked)?$/i.test(header('transfer-encoding'))

/** The far end, as an answer is written to it. */
type Client = { readonly response: HttpResponse; gone: boolean; wake: () => void }

async function exchange(response: HttpResponse, request: Request, body: RequestBody, route: Route): Promise<void> {
  const client: Client = { response, gone: false, wake: () => {} }
  response.onAborted(() => {
    client.gone = true
    body.breakOff()
    client.wake()
  })
  const answer = await Promise.resolve(request)
    .then(route)
    .catch(() => text(500, 'The node could not answer.\n'))
  await reply(client, request, body, answer ?? text(404, 'Not found.\n'))
}

/** What a request says: uWebSockets.js lets it be read in its callback only. A header that comes twice is one list. */
function readRequest(raw: HttpRequest, address: string, body: RequestBody): Request {
  const headers = new Map<string, string>()
  raw.forEach((name, value) => {
    const known = headers.get(name)
    headers.set(name, known === undefined ? value : `${known}, ${value}`)
  })
  return {
    method: raw.getMethod().toUpperCase(),
    path: raw.getUrl(),
    query: raw.getQuery() ?? '',
    address,
    header: (name) => headers.get(name) ?? '',
    body,
  }
}

async function reply(client: Client, request: Request, incoming: RequestBody, answer: Answer): Promise<void> {
  const { status, headers = {}, body = '' } = answer
  const stream = isStream(body) ? body : undefined
  try {
    if (client.gone) return
    const { response } = client
    const close = !incoming.discard() && Number(request.header('content-length')) > discardBytes
    response.cork(() => {
      response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`).writeHeader('x-content-type-options', 'nosniff')
      for (const [name, value] of Object.entries(headers)) response.writeHeader(name, value)
      if (request.method === 'HEAD')
        response.endWithoutBody(isStream(body) ? body.size : Buffer.byteLength(body), close)
      else if (status === 204 || status === 304) response.endWithoutBody(undefined, close)
      else if (!isStream(body)) response.end(body, close)
      else if (body.size === 0) response.end('', close)
    })
    if (stream && stream.size !== 0 && request.method !== 'HEAD') await pour(client, stream)
  } finally {
    stream?.close()
  }
}

const isStream = (body: string | Uint8Array | Stream): body is Stream => typeof body === 'object' && 'open' in body

/** Writes a stream as fast as the client reads it. Where its source fails or ends early, the connection is cut: the client sees that bytes are missing. */
async function pour(client: Client, { size, open }: Stream): Promise<void> {
  const { response } = client
  response.onWritable(() => {
    client.wake()
    return true
  })
  try {
    for await (const chunk of open()) {
      if (size === undefined) await write(client, chunk)
      else await put(client, chunk, size)
      if (client.gone) return
    }
    if (size === undefined) return end(client)
  } catch {
    // As where the source ends early.
  }
  if (!client.gone) response.close()
}

const writable = (client: Client): Promise<void> =>
  new Promise((resolve) => {
    client.wake = resolve
  })

/** A piece of a body whose size nobody knows. What the client does not take at once is kept, and nothing more is written until it has. */
async function write(client: Client, chunk: Uint8Array): Promise<void> {
  if (client.gone) return
  let ok = false
  client.response.cork(() => {
    ok = client.response.write(chunk)
  })
  if (!ok) await writable(client)
}

function end(client: Client): void {
  if (client.gone) return
  client.gone = true
  client.response.cork(() => client.response.end())
}

async function put(client: Client, chunk: Uint8Array, size: number): Promise<void> {
  const { response } = client
  const start = client.gone ? 0 : response.getWriteOffset()
  let written = 0
  while (!client.gone) {
    let ok = false
    let ended = false
    response.cork(() => {
      ;[ok, ended] = response.tryEnd(chunk.subarray(written), size)
    })
    if (ended) client.gone = true
    if (ok || ended) return
    await writable(client)
    if (!client.gone) written = response.getWriteOffset() - start
  }
}
