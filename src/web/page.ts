/** The chat page: two people, one chat. It uses the public SDK only. */
import { type Client, connect, indexedDBStorage, type Outgoing, type Presence } from '../client/index.ts'
import { type Line, loadLines, saveLine } from './log.ts'

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const [enter, chat, banner] = [element('enter'), element('chat'), element('banner')]
const [me, peer, token] = [
  element<HTMLInputElement>('me'),
  element<HTMLInputElement>('peer'),
  element<HTMLInputElement>('token'),
]
const [messages, text] = [element('messages'), element<HTMLInputElement>('text')]

const ticks = {
  queued: ['🕓', 'waiting'],
  sent: ['✓', 'sent'],
  delivered: ['✓✓', 'delivered'],
  read: ['✓✓', 'read'],
  refused: ['⚠', 'refused'],
} as const

enter.onsubmit = (event) => {
  event.preventDefault()
  location.hash = new URLSearchParams({ me: me.value.trim(), peer: peer.value.trim() }).toString()
  if (token.value) sessionStorage.setItem('token', token.value)
  void start(me.value.trim(), peer.value.trim())
}
element('leave').onclick = () => {
  location.hash = ''
  location.reload()
}

async function start(user: string, other: string): Promise<void> {
  enter.hidden = true
  chat.hidden = false
  element('name').textContent = other
  document.title = `${other} · Bluetick`
  const device = deviceOf(user)
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`
  const client = connect({
    url,
    token: sessionStorage.getItem('token') || user,
    device,
    storage: indexedDBStorage(`${user}:${device}`),
  })
  for (const line of await loadLines(user)) if (line.chat === other) draw(line)
  client.on('message', (message) => void keep(user, other, outgoing(message)))
  for (const message of await client.outbox()) await keep(user, other, outgoing(message))
  client.on('connection', () => showConnection(client))
  setInterval(() => showConnection(client), 500)
  client.watch(other, showPresence)
  element('compose').onsubmit = (event) => {
    event.preventDefault()
    if (text.value.trim()) void client.queue(other, text.value)
    text.value = ''
  }
  for (const wake of ['keydown', 'pointerdown'])
    addEventListener(
      wake,
      throttled(() => client.active(true)),
    )
  document.addEventListener('visibilitychange', () => client.active(!document.hidden))
  text.focus()
  for await (const message of client.messages()) {
    await keep(user, other, {
      id: message.id,
      chat: message.from,
      mine: false,
      body: String(message.body),
      time: message.time,
      state: 'read',
    })
    if (message.from === other) await shown().then(() => message.read())
  }
}

/** Names this browser, for this user. */
function deviceOf(user: string): string {
  const known =
    localStorage.getItem(`device:${user}`) ?? `web-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`
  localStorage.setItem(`device:${user}`, known)
  return known
}

const outgoing = ({ id, to, body, time, state }: Outgoing): Line => ({
  id,
  chat: to,
  mine: true,
  body: String(body),
  time,
  state,
})

async function keep(user: string, other: string, line: Line): Promise<void> {
  await saveLine(user, line)
  if (line.chat === other) draw(line)
}

function draw(line: Line): void {
  const known = document.getElementById(line.id)
  const item = known ?? document.createElement('li')
  item.id = line.id
  item.className = line.mine ? 'mine' : ''
  const meta = document.createElement('span')
  meta.className = 'meta'
  meta.append(new Date(line.time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }))
  if (line.mine) meta.append(' ', tick(line.state))
  item.replaceChildren(line.body, meta)
  if (known) return
  messages.append(item)
  item.scrollIntoView()
}

function tick(state: Line['state']): HTMLElement {
  const [sign, words] = ticks[state]
  const span = document.createElement('span')
  span.className = `tick ${state}`
  span.setAttribute('role', 'img')
  span.setAttribute('aria-label', words)
  span.textContent = sign
  return span
}

function showConnection({ connection }: Client): void {
  banner.hidden = connection.is === 'online'
  if (connection.is === 'connecting') banner.textContent = 'Connecting …'
  if (connection.is === 'closed') {
    banner.textContent =
      connection.code === 'replaced'
        ? 'This chat is open in another window. Reload to use it here.'
        : `Signed out: ${connection.code}`
  }
  if (connection.is !== 'waiting') return
  const seconds = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000))
  banner.textContent = `No connection. Next try in ${seconds} s; your messages wait here.`
}

function showPresence(presence: Presence): void {
  const words = presence.online ? 'online' : presence.lastSeen ? `last seen ${presence.lastSeen.toLocaleString()}` : ''
  element('presence').textContent = words
}

/** Resolves when the person can see the page. */
function shown(): Promise<void> {
  if (!document.hidden) return Promise.resolve()
  return new Promise((resolve) => document.addEventListener('visibilitychange', () => resolve(), { once: true }))
}

function throttled(call: () => void): () => void {
  let at = 0
  return () => {
    if (Date.now() - at < 5_000) return
    at = Date.now()
    call()
  }
}

const asked = new URLSearchParams(location.hash.slice(1))
me.value = asked.get('me') ?? ''
peer.value = asked.get('peer') ?? ''
if (me.value && peer.value) void start(me.value, peer.value)
