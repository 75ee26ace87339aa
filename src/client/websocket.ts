/** The platform's WebSocket as a transport. */
import { PlatformWebSocket } from '#websocket'
import type { Transport } from './link.ts'

export const webSocketTransport: Transport = (url, subprotocol, events) => {
  const socket = new PlatformWebSocket(url, [subprotocol])
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => events.opened()
  socket.onmessage = ({ data }) => events.heard(typeof data === 'string' ? data : new Uint8Array(data))
  let why: string | undefined
  socket.onerror = (event) => {
    why = (event as ErrorEvent).message // in Node; a browser does not say. A close follows
  }
  socket.onclose = ({ code }) => events.lost(code, why)
  return {
    send: (data) => {
      if (socket.readyState === socket.OPEN) socket.send(data as string)
    },
    close: (code, reason) => socket.close(code, reason),
  }
}
