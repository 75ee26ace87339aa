/**
 * The floor: what uWebSockets.js alone costs. It forwards each WebSocket message of the first user of a group to the others,
 * and what the last of them answers to the first, and stores nothing: the least that any server must do to move messages
 * and receipts. A pair is a group of two.
 */
import { App, type ListenSocket, localPort, stopListening, type WebSocket } from '../src/gateway/uws.ts'
import { answer } from './child.ts'
import { classes } from './classes.ts'
import { startMeter } from './meter.ts'

type Socket = { readonly user: number; readonly groups: number }

const meter = startMeter()
const sockets: (WebSocket<Socket> | undefined)[] = []
let listening: ListenSocket | undefined

const app = App().ws<Socket>('/*', {
  maxPayloadLength: 64 * 1024,
  idleTimeout: 30,
  sendPingsAutomatically: true,
  upgrade(response, request, context) {
    response.upgrade<Socket>(
      { user: Number(request.getQuery('user')), groups: Number(request.getQuery('groups')) },
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
    const { user, groups } = socket.getUserData()
    const place = user % groups
    if (place === 0) for (let member = 1; member < groups; member++) sockets[user + member]?.send(data, true)
    else if (place === groups - 1) sockets[user - place]?.send(data, true)
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
    collect: meter.collect,
    classes,
    sample: meter.sample,
  },
  () => {
    if (listening) stopListening(listening)
  },
)
