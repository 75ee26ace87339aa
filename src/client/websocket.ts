/** The platform's WebSocket as a transport. */
import { PlatformWebSocket } from '#websocket'
import type { Transport } from './transport.ts'

export const webSocketTransport: Transport = (url, subprotocol, events) => {
  const socket = new PlatformWebSocket(url, [subprotocol])
  socket.binaryType = 'arraybuffer'
  let why: string | undefined = unopened(url)
  socket.onopen = () => {
    why = undefined
    events.opened()
  }
  socket.onmessage = ({ data }) => events.heard(typeof data === 'string' ? data : new Uint8Array(data))
  socket.onerror = (event) => {
    why = (event as ErrorEvent).message || why // in Node; a browser does not say. A close follows
  }
  socket.onclose = ({ code }) => events.lost(code, why)
  return {
    send: (data) => {
      if (socket.readyState === socket.OPEN) socket.send(data as string)
    },
    close: (code, reason) => socket.close(code, reason),
  }
}

/** What may be wrong where a connection never opens: a browser does not say that it was refused, and why. */
function unopened(url: string): string {
  const page = globalThis.location?.origin
  const foreign = page !== undefined && new URL(url).host !== globalThis.location.host
  return `no node answers at ${url}${foreign ? `, or it takes no pages of ${page}: see --allow-origin` : ''}`
}
