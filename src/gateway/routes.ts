/** HTTP: health, readiness, the operators' inspection, and the chat page. */
import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'
import { type Answer, type Request, type Route, text } from './http.ts'
import { isLoopback } from './origin.ts'

type Context = {
  readonly store: Store
  readonly inspectToken: string | undefined
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

async function inspection({ inspectToken, inspect, trace, stats }: Context, request: Request) {
  if (!mayInspect(inspectToken, request)) return text(403, 'Inspection needs its token, or the loopback.\n')
  const asked = new URLSearchParams(request.query)
  const user = asked.get('user')
  const id = asked.get('message')
  const found = request.path !== '/inspect' ? undefined : user ? await inspect(user) : id ? await trace(id) : stats()
  if (found === undefined) return undefined
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(found)}\n` }
}

/** With a token: whoever bears it. Without: this machine, but no proxy on it (it would bring strangers) and no web page. */
function mayInspect(token: string | undefined, { address, header }: Request): boolean {
  if (token !== undefined) {
    const given = Buffer.from(header('authorization').replace(/^Bearer /i, ''))
    const right = Buffer.from(token)
    return given.length === right.length && timingSafeEqual(given, right)
  }
  const local = /^127\.|^::1$|^(0000:){7}0001$|^0000:0000:0000:0000:0000:ffff:7f/.test(address)
  const direct = header('x-forwarded-for') === '' && header('forwarded') === '' && header('origin') === ''
  return local && direct && isLoopback(header('host'))
}
