/** HTTP: health, readiness, the operators' inspection, and the chat page. */
import { timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Store } from '../store/contract.ts'
import type { Route } from './gateway.ts'

type Context = {
  readonly store: Store
  readonly inspectToken: string | undefined
  readonly inspect: (user: string) => Promise<unknown>
  readonly trace: (id: string) => Promise<unknown>
  readonly stats: () => unknown
}
type Request = Parameters<Route>[2]

const page: Record<string, string> = { '/': 'index.html', '/app.js': 'app.js', '/app.css': 'app.css' }
const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}
const policy = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'none'"

export function routes(context: Context): Route {
  return async (path, query, request) => {
    if (path === '/healthz') return { status: '200 OK', type: 'text/plain', body: 'ok\n' }
    if (path === '/readyz') return ready(context.store)
    if (path.startsWith('/inspect')) return inspection(context, path, query, request)
    const file = Object.hasOwn(page, path) ? page[path] : undefined
    if (file === undefined) return undefined
    const body = await readFile(new URL(`../../web/${file}`, import.meta.url))
    return {
      status: '200 OK',
      type: types[file.split('.').pop() ?? ''] ?? 'text/plain',
      body,
      headers: { 'content-security-policy': policy },
    }
  }
}

async function ready(store: Store): ReturnType<() => Promise<{ status: string; type: string; body: string }>> {
  const health = await store.health()
  if (health.ok) return { status: '200 OK', type: 'text/plain', body: 'ready\n' }
  return { status: '503 Service Unavailable', type: 'text/plain', body: `not ready: ${health.reason}\n` }
}

async function inspection(
  { inspectToken, inspect, trace, stats }: Context,
  path: string,
  query: string,
  request: Request,
) {
  if (!mayInspect(inspectToken, request))
    return { status: '403 Forbidden', type: 'text/plain', body: 'Inspection needs its token, or the loopback.\n' }
  const asked = new URLSearchParams(query)
  const user = asked.get('user')
  const id = asked.get('message')
  const found = path !== '/inspect' ? undefined : user ? await inspect(user) : id ? await trace(id) : stats()
  return found === undefined
    ? undefined
    : { status: '200 OK', type: 'application/json', body: `${JSON.stringify(found)}\n` }
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
  return local && direct && /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(header('host'))
}
