/** What operators ask of a node over HTTP, with its operator token: who is who, and who may not connect. */
import { timingSafeEqual } from 'node:crypto'
import { SendRefused } from '../embed/program.ts'
import { type Answer, type Request, type Route, text } from '../gateway/http.ts'
import { isFromHere } from '../gateway/origin.ts'
import type { Metrics } from './metrics.ts'

type Node = {
  readonly inspect: (user: string) => Promise<unknown>
  readonly trace: (id: string) => Promise<unknown>
  readonly stats: () => unknown
  readonly bans: () => unknown
  readonly ban: (user: string) => Promise<void>
  readonly unban: (user: string) => Promise<boolean>
  readonly disconnect: (user: string, device?: string) => number
}
type Context = {
  readonly token: string | (() => string) | undefined
  /** Nobody is asked for a token: then whoever is on this machine is an operator, where there is none for them. */
  readonly open: boolean
  readonly node: Node
}
/** Answers undefined where nothing is known. */
type Operation = (node: Node, asked: URLSearchParams) => unknown

const operations: Readonly<Record<string, Operation>> = {
  'GET /inspect': (node, asked) => {
    const [user, id] = [asked.get('user'), asked.get('message')]
    return user ? node.inspect(user) : id ? node.trace(id) : node.stats()
  },
  'GET /bans': (node) => node.bans(),
  'POST /ban': (node, asked) => node.ban(asked.get('user') ?? '').then(() => true),
  'POST /unban': (node, asked) => node.unban(asked.get('user') ?? ''),
  'POST /disconnect': (node, asked) => node.disconnect(asked.get('user') ?? '', asked.get('device') ?? undefined),
}
const paths = new Set(Object.keys(operations).map((operation) => operation.split(' ')[1]))

/** `GET /metrics`, for Prometheus, which shows the operator token. */
export function metricsRoute({ metrics, ...who }: Omit<Context, 'node'> & { readonly metrics: Metrics }): Route {
  return async (request) => {
    if (request.path !== '/metrics') return undefined
    if (!isOperator(who, request)) return text(403, 'Only operators may: show the operator token.\n')
    return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.read() }
  }
}

/** Undefined: the path is none of theirs. */
export function operatorRoute({ node, ...who }: Context): (request: Request) => ReturnType<Route> {
  return (request) => {
    if (!paths.has(request.path)) return undefined
    if (!isOperator(who, request)) return text(403, 'Only operators may: show the operator token.\n')
    const operation = operations[`${request.method} ${request.path}`]
    return operation ? answer(operation, node, request) : text(405, 'Not in this way.\n')
  }
}

async function answer(operation: Operation, node: Node, { query }: Request): Promise<Answer> {
  try {
    const found = await operation(node, new URLSearchParams(query))
    if (found === undefined) return text(404, 'Nothing is known of that.\n')
    return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(found)}\n` }
  } catch (error) {
    if (error instanceof SendRefused) return text(400, 'Nobody can be called so.\n')
    return text(503, `It is not done; try again: ${(error as Error).message}\n`)
  }
}

/** With a token: whoever bears it. Without: this machine, but no proxy on it (it would bring strangers) and no web page. */
function isOperator({ token, open }: Pick<Context, 'token' | 'open'>, request: Request): boolean {
  if (token === undefined) return open && request.header('origin') === '' && isFromHere(request)
  const given = Buffer.from(request.header('authorization').replace(/^Bearer /i, ''))
  const right = Buffer.from(typeof token === 'string' ? token : token())
  return given.length === right.length && timingSafeEqual(given, right)
}
