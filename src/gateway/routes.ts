/** HTTP: media, what operators ask, and the chat page. */
import { readFile } from 'node:fs/promises'
import { type Answer, json, type Route, text } from './http.ts'

type Context = {
  /** What operators ask, and what reads metrics for them. */
  readonly operators: Route
  readonly metrics: Route
  /** What a supervisor asks. */
  readonly health: Route
  /** Uploads and downloads. */
  readonly media: Route
  /** What the chat page is told: undefined where users may not seal what they write. */
  readonly sealing: { readonly realm: string; readonly required: boolean } | undefined
}

const page: Record<string, string> = {
  '/': 'index.html',
  '/app.js': 'app.js',
  '/shared.js': 'shared.js',
  '/e2ee.js': 'e2ee.js',
  '/scan.js': 'scan.js',
  '/app.css': 'app.css',
  '/sw.js': 'sw.js',
  '/manifest.webmanifest': 'manifest.webmanifest',
  '/icon.svg': 'icon.svg',
  '/admin': 'admin/index.html',
  '/admin/page.js': 'admin/page.js',
  '/admin/page.css': 'admin/page.css',
}
const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  webmanifest: 'application/manifest+json',
  svg: 'image/svg+xml',
}
const policy =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'"

export function routes(context: Context): Route {
  return async (request) => {
    const { path, method } = request
    if (path === '/media' || path.startsWith('/media/')) return context.media(request)
    const operated = (await context.operators(request)) ?? (await context.metrics(request))
    if (operated) return operated
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET.\n')
    const watched = context.health(request)
    if (watched) return watched
    if (path === '/e2ee.json') return json(context.sealing ?? null)
    const file = Object.hasOwn(page, path) ? page[path] : undefined
    return file === undefined ? undefined : pageFile(file)
  }
}

async function pageFile(file: string): Promise<Answer> {
  const body = await readFile(new URL(`../../web/${file}`, import.meta.url))
  const type = types[file.split('.').pop() ?? ''] ?? 'text/plain'
  return { status: 200, headers: { 'content-type': type, 'content-security-policy': policy }, body }
}
