/** Keeps the page for when the server is away: what was written meanwhile waits in the browser, also across a reload. */
const name = 'bluetick'
const files = ['/', '/app.js', '/shared.js', '/app.css', '/manifest.webmanifest', '/icon.svg']

self.addEventListener('install', (event) => {
  const filled = caches.open(name).then((cache) => cache.addAll(files))
  event.waitUntil(filled.then(() => self.skipWaiting()))
})
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))
self.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (event.request.method !== 'GET' || origin !== location.origin || ![...files, '/e2ee.js'].includes(pathname)) return
  event.respondWith(fresh(event.request, pathname).catch(() => caches.match(pathname)))
})

/** What the server has, where it answers: a new version is used at once. */
async function fresh(request, pathname) {
  const response = await fetch(request)
  if (response.ok) await (await caches.open(name)).put(pathname, response.clone())
  return response
}
