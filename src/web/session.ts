/** This browser as one of a person's devices, and whether the person is here. */
import { type Client, connect, indexedDBStorage } from '../client/index.ts'

export function enter(me: string, token: string): Client {
  const device = deviceOf(me)
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`
  return connect({ url, token, device, storage: indexedDBStorage(`${me}:${device}`), background: document.hidden })
}

/** Names this browser, for this user. */
function deviceOf(user: string): string {
  const known =
    localStorage.getItem(`device:${user}`) ?? `web-${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`
  localStorage.setItem(`device:${user}`, known)
  return known
}

/** Tells the server when the person does something, and when the page is out of sight. */
export function tellActivity(client: Client): void {
  document.addEventListener('visibilitychange', () => client.active(!document.hidden))
  let told = Number.NEGATIVE_INFINITY
  const act = () => {
    const now = performance.now()
    if (now - told < 5_000) return
    told = now
    client.active(true)
  }
  for (const sign of ['keydown', 'pointerdown']) addEventListener(sign, act)
}
