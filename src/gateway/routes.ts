/** HTTP: health, readiness, the operators' inspection, and the chat page. */
import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'
import { type Answer, type Request, type Route, text } from './http.ts'
import { isFromHere } from './origin.ts'

type Context = {
  readonly store: Store
  readonly operatorToken: string | undefined
  /** Nobody is asked for a token: then whoever is on this machine may inspect. */
  readonly open: boolean
  readonly inspect: (user: string) => Promise<unknown>
  readonly trace: (id: string) => Promise<unknown>
  readonly stats: () => unknown
  /** Uploads and downloads. */
  readonly media: Route
}

const page: Record<string, string> = {
  '/': 'index.html',
  '/app.js': 'app.js',
  '/app.css': 'app.css',
  '/sw.js': 'sw.js',
}
const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}
const policy =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'"

export function routes(context: Context): Route {
  return (request) => {
    const { path, method } = request
    if (path === '/media' || path.startsWith('/media/')) return context.media(request)
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET.\n')
    if (path === '/healthz') return text(200, 'ok\n')
    if (path === '/readyz') return ready(context.store)
    if (path.startsWith('/inspect')) return inspection(context, request)
    const file = Object.hasOwn(page, path) ? page[path] : undefined
    return file === undefined ? undefined : pageFile(file)
  }
}

async function pageFile(file: string): Promise<Answer> {
  const body = await readFile(new URL(`../../web/${file}`, import.meta.url))
  const type = types[file.split('.').pop() ?? ''] ?? 'text/plain'
  return { status: 200, headers: { 'content-type': type, 'content-security-policy': policy }, body }
}

async function ready(store: Store): Promise<Answer> {
  const health = await store.health()
  return health.ok ? text(200, 'ready\n') : text(503, `not ready: ${health.reason}\n`)
}

async function inspection({ inspect, trace, stats, ...who }: Context, request: Request) {
  if (!mayInspect(who, request)) return text(403, 'Only operators may look: show the operator token.\n')
  const asked = new URLSearchParams(request.query)
  const user = asked.get('user')
  const id = asked.get('message')
  const found = request.path !== '/inspect' ? undefined : user ? await inspect(user) : id ? await trace(id) : stats()
  if (found === undefined) return undefined
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(found)}\n` }
}

function mayInspect({ operatorToken, open }: Pick<Context, 'operatorToken' | 'open'>, request: Request): boolean {
  if (operatorToken === undefined) return open && request.header('origin') === '' && isFromHere(request)
  const given = Buffer.from(request.header('authorization').replace(/^Bearer /i, ''))
  const right = Buffer.from(operatorToken)
  return given.length === right.length && timingSafeEqual(given, right)
}
