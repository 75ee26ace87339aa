/** What is to be said about the connection. The words are announced when they change; the seconds are only shown. */
import type { Client } from '../client/index.ts'
import { byId } from './dom.ts'
import { bannerFor } from './words.ts'

const labels = { retry: 'Try now', reload: 'Use it here', leave: 'Sign in again' } as const

export function showBanner(client: Client, leave: () => void): void {
  const [banner, text, aside] = [byId('banner'), byId('banner-text'), byId('banner-aside')]
  const button = byId<HTMLButtonElement>('banner-action')
  const acts = { retry: () => client.retryNow(), reload: () => location.reload(), leave }
  const show = () => {
    const said = bannerFor(client.connection, Date.now())
    banner.hidden = said === undefined
    if (text.textContent !== (said?.text ?? '')) text.textContent = said?.text ?? ''
    aside.textContent = said?.aside ?? ''
    button.hidden = said?.action === undefined
    if (!said?.action) return
    button.textContent = labels[said.action]
    button.onclick = acts[said.action]
  }
  client.on('connection', show)
  setInterval(show, 250)
  show()
}
