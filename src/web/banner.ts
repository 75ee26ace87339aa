/** What is to be said about the connection. The words are announced when they change; the seconds are only shown. */
import type { Client } from '../client/index.ts'
import { byId } from './dom.ts'
import { type Banner, bannerFor } from './words.ts'

const labels = { retry: 'Try now', reload: 'Use it here', leave: 'Sign in again' } as const

/** What a browser without a network knows. */
const offline: Banner = { text: 'You are offline. Messages will be sent when you are back online.' }

export function showBanner(client: Client, leave: () => void): void {
  const [banner, text, aside] = [byId('banner'), byId('banner-text'), byId('banner-aside')]
  const button = byId<HTMLButtonElement>('banner-action')
  const acts = { retry: () => client.retryNow(), reload: () => location.reload(), leave }
  const show = () => {
    const said =
      navigator.onLine || client.connection.is === 'closed' ? bannerFor(client.connection, Date.now()) : offline
    banner.hidden = said === undefined
    if (text.textContent !== (said?.text ?? '')) text.textContent = said?.text ?? ''
    aside.textContent = said?.aside ?? ''
    button.hidden = said?.action === undefined
    if (!said?.action) return
    button.textContent = labels[said.action]
    button.onclick = acts[said.action]
  }
  client.on('connection', show)
  // A browser knows at once, a connection only when nothing comes any more.
  for (const sign of ['online', 'offline']) addEventListener(sign, show)
  setInterval(show, 250)
  show()
}
