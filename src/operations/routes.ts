/** What operators ask of a node over HTTP, with its operator token. */
import type { OnEvent } from '../embed/events.ts'
import { SendRefused } from '../embed/post.ts'
import { type Answer, type Request, type Route, text } from '../gateway/http.ts'
import {
  adminPath,
  audited,
  linesType,
  type Operation,
  type OperationName,
  operationNames,
  operations,
  pathFields,
  wrongField,
} from './admin.ts'
import type { Audit } from './audit.ts'
import type { BluetickCalls } from './calls.ts'
import type { Metrics } from './metrics.ts'
import { openApi } from './openapi.ts'
import type { Operators } from './operators.ts'

type Who = { readonly operators: Operators }
type Context = Who & { readonly node: BluetickCalls; readonly onEvent: OnEvent; readonly audit: Audit }

/** Bytes of a request's body: a broadcast to some ten thousand users. */
const bodyBytes = 1024 * 1024

const refusals = {
  bad_token: { status: 403, error: 'not_an_operator', words: 'Only operators may: show the operator token.' },
  too_many_attempts: {
    status: 429,
    error: 'too_many_attempts',
    words: 'Too many wrong tokens came from this address: try again in a minute.',
  },
} as const

/** `GET /metrics`, for Prometheus, which shows the operator token. */
export function metricsRoute({ metrics, operators }: Who & { readonly metrics: Metrics }): Route {
  return async (request) => {
    if (request.path !== '/metrics') return undefined
    const code = operators.refusal(request)
    if (code) return text(refusals[code].status, `${refusals[code].words}\n`)
    return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.read() }
  }
}

/** `/admin/v1`. Undefined: the path is none of it. */
export function adminRoute({ node, onEvent, audit, operators }: Context): Route {
  return async (request) => {
    if (!request.path.startsWith(`${adminPath}/`)) return undefined
    const { address } = request
    const code = operators.refusal(request)
    if (code) {
      onEvent({ event: 'refused', code, address })
      const { status, error, words } = refusals[code]
      return failed(status, error, words, status === 429)
    }
    const path = request.path.slice(adminPath.length)
    if (path === '/openapi.json' && request.method === 'GET') return json(200, openApi())
    const found = operationAt(request.method, path)
    if (!found)
      return failed(404, 'not_found', `There is no ${request.path}; ${adminPath}/openapi.json lists what there is.`)
    if (found === 'method') return failed(405, 'wrong_method', `Not by ${request.method}.`)
    const { answer, given } = await perform(node, found, request)
    const about = audited(operations[found.name], given)
    const event = { event: 'operated', operation: found.name, ...about, address, status: answer.status } as const
    if (request.method === 'GET') audit.read(event)
    else audit.changed(event)
    return answer
  }
}

type Found = { readonly name: OperationName; readonly given: Readonly<Record<string, string>> }

/** 'method': there is another at that path. */
function operationAt(method: string, path: string): Found | 'method' | undefined {
  let found: 'method' | undefined
  for (const name of operationNames) {
    const given = matched(operations[name].path, path)
    if (given && operations[name].method === method) return { name, given }
    if (given) found = 'method'
  }
  return found
}

function matched(template: string, path: string): Record<string, string> | undefined {
  const [parts, given] = [template.split('/'), path.split('/')]
  if (parts.length !== given.length) return undefined
  const fields: Record<string, string> = {}
  for (const [at, part] of parts.entries()) {
    const [field] = pathFields(part)
    if (field === undefined && part !== given[at]) return undefined
    if (field !== undefined) fields[field] = decoded(given[at] ?? '')
  }
  return fields
}

/** Of what is encoded wrongly nothing, which names nobody. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

/** `given`: as much of what was asked as is known. */
type Performed = { readonly answer: Answer; readonly given: Readonly<Record<string, unknown>> }

async function perform(node: BluetickCalls, { name, given }: Found, request: Request): Promise<Performed> {
  const operation = operations[name]
  let all: Performed['given'] = given
  try {
    all = { ...(await othersOf(operation.method, request)), ...given }
    return { answer: await answered(node, operation, all), given: all }
  } catch (error) {
    return { answer: refused(error), given: all }
  }
}

async function answered(node: BluetickCalls, operation: Operation, given: Performed['given']): Promise<Answer> {
  const wrong = wrongField(operation, given)
  if (wrong) return failed(400, 'bad_request', `${wrong[0]?.toUpperCase()}${wrong.slice(1)}.`)
  const found = await operation.run(node, given)
  if (operation.lines) return streamed(found as AsyncIterable<string>)
  return found === undefined ? failed(404, 'not_found', 'Nothing is known of that.') : json(200, found)
}

function refused(error: unknown): Answer {
  if (error instanceof SendRefused) return failed(error.retry ? 503 : 400, error.code, error.message, error.retry)
  if (error instanceof TypeError || error instanceof RangeError) return failed(400, 'bad_request', error.message)
  return failed(503, 'unavailable', `It is not done; try again: ${(error as Error).message}`, true)
}

/** The fields that are not in the path. */
async function othersOf(method: string, { query, body, header }: Request): Promise<Record<string, unknown>> {
  if (method === 'GET' || method === 'DELETE') return Object.fromEntries(new URLSearchParams(query))
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > bodyBytes) throw new RangeError(`The body has more than ${bodyBytes} bytes.`)
    chunks.push(Uint8Array.from(chunk))
  }
  if (size === 0) return {}
  if (!/^application\/json\b/.test(header('content-type'))) throw new TypeError('The body must be application/json.')
  const given: unknown = parsed(Buffer.concat(chunks).toString())
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError('The body must be an object in JSON.')
  return given as Record<string, unknown>
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new TypeError('The body is not JSON.')
  }
}

const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(value)}\n`,
})
const streamed = (lines: AsyncIterable<string>): Answer => ({
  status: 200,
  headers: { 'content-type': linesType, 'cache-control': 'no-store' },
  body: { open: () => chunksOf(lines), close: () => {} },
})

/** Characters that are sent together. */
const chunkSize = 16 * 1024

async function* chunksOf(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  let chunk = ''
  for await (const line of lines) {
    chunk += line
    if (chunk.length < chunkSize) continue
    yield Buffer.from(chunk)
    chunk = ''
  }
  if (chunk) yield Buffer.from(chunk)
}

const failed = (status: number, error: string, text: string, retry = false): Answer =>
  json(status, { error, text, retry })
