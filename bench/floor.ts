/**
 * The floor: what uWebSockets.js alone costs. It forwards each WebSocket message to the sender's peer, user 2k to 2k + 1
 * and back, and stores nothing: the least that any server must do to move a message and its receipt.
 */
import { App, type ListenSocket, localPort, stopListening, type WebSocket } from '../src/gateway/uws.ts'
import { answer } from './child.ts'
import { startMeter } from './meter.ts'

type Socket = { readonly user: number }

const meter = startMeter()
const sockets: (WebSocket<Socket> | undefined)[] = []
let listening: ListenSocket | undefined

const app = App().ws<Socket>('/*', {
  maxPayloadLength: 64 * 1024,
  idleTimeout: 30,
  sendPingsAutomatically: true,
  upgrade(response, request, context) {
    response.upgrade<Socket>(
      { user: Number(request.getQuery('user')) },
      request.getHeader('sec-websocket-key'),
      request.getHeader('sec-websocket-protocol'),
      request.getHeader('sec-websocket-extensions'),
      context,
    )
  },
  open(socket) {
    sockets[socket.getUserData().user] = socket
  },
  message(socket, data) {
    sockets[socket.getUserData().user ^ 1]?.send(data, true)
  },
  close(socket) {
    sockets[socket.getUserData().user] = undefined
  },
})

answer(
  {
    listen: () =>
      new Promise((resolve) => {
        app.listen('127.0.0.1', 0, (socket) => {
          if (!socket) throw new Error('the floor cannot listen')
          listening = socket
          resolve({ port: localPort(socket) })
        })
      }),
    reset: meter.reset,
    sample: meter.sample,
  },
  () => {
    if (listening) stopListening(listening)
  },
)
