/**
 * A service that wakes browsers: it keeps what they have subscribed to, hears from a Bluetick node who has no connected device, and
 * pushes. docs/push.md says how to run it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { jwtAuthenticate } from 'bluetick'
import { Webhook } from 'standardwebhooks'
import webpush from 'web-push'

const { PORT = '8090', WEBHOOK_SECRET, TOKEN_SECRET, VAPID_SUBJECT, VAPID_PUBLIC, VAPID_PRIVATE } = process.env
const file = process.env.SUBSCRIPTIONS ?? 'subscriptions.json'
const hook = new Webhook(WEBHOOK_SECRET)
const authenticate = jwtAuthenticate(new TextEncoder().encode(TOKEN_SECRET))
webpush.setVapidDetails(VAPID_SUBJECT, VAPID_PUBLIC, VAPID_PRIVATE)

/** By user, what each of their browsers has subscribed to, by its endpoint. */
const subscriptions = new Map(kept())

function kept() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

function change(user, endpoint, subscription) {
  const own = { ...subscriptions.get(user) }
  if (subscription) own[endpoint] = subscription
  else delete own[endpoint]
  subscriptions.set(user, own)
  writeFileSync(file, JSON.stringify([...subscriptions]))
}

/** Whoever shows a token of the chat subscribes for themselves, and for nobody else. */
async function subscribe(request) {
  const token = (request.headers.authorization ?? '').replace(/^Bearer /i, '')
  const who = await authenticate(token, { device: null, address: '' })
  if (!who) return 401
  const subscription = await json(request)
  change(who.user, subscription.endpoint, subscription)
  return 204
}

/** What the node tells. Anything but 2xx, and it tells the same again: an event counts as kept when the push services have it. */
async function told(request) {
  let event
  try {
    event = hook.verify(await text(request), request.headers)
  } catch {
    return 401
  }
  if (event.type === 'message.waiting') await wake(event.data)
  return 204
}

async function wake({ to, from, group, unread }) {
  const notice = JSON.stringify({ title: group ?? from, unread, tag: group ?? from })
  const sending = Object.entries(subscriptions.get(to) ?? {}).map(async ([endpoint, subscription]) => {
    try {
      await webpush.sendNotification(subscription, notice, { TTL: 86_400, urgency: 'high' })
    } catch (error) {
      // The browser has unsubscribed, or is gone.
      if (error.statusCode !== 404 && error.statusCode !== 410) throw error
      change(to, endpoint, undefined)
    }
  })
  await Promise.all(sending)
}

const routes = { 'POST /hooks': told, 'POST /subscriptions': subscribe }

createServer(async (request, response) => {
  const route = routes[`${request.method} ${request.url}`]
  try {
    response.writeHead(route ? await route(request) : 404).end()
  } catch (error) {
    console.error(error.message)
    response.writeHead(503).end()
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`Push service on port ${PORT}`))
