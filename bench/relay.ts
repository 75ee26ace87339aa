/** A server that moves the messages of groups by uWebSockets.js alone. A pair is a group of two. */
import { App, type ListenSocket, localPort, stopListening, type WebSocket } from '../src/gateway/uws.ts'
import { answer } from './child.ts'
import { classes } from './classes.ts'
import { startMeter } from './meter.ts'

type Who = { readonly user: number; readonly groups: number }

/** By user. */
export const sockets: (WebSocket<Who> | undefined)[] = []

/**
 * Starts it as a process of the bench. `pass` is called with each message of the first user of a group, and the size of that; what the last
 * one says goes to the first. The bytes are valid until it returns. `ended` is called at the end.
 */
export function startRelay(
  pass: (from: number, groups: number, data: ArrayBuffer) => void,
  ended: () => void = () => {},
): void {
  const meter = startMeter()
  let listening: ListenSocket | undefined
  const app = App().ws<Who>('/*', {
    maxPayloadLength: 64 * 1024,
    idleTimeout: 30,
    sendPingsAutomatically: true,
    upgrade(response, request, context) {
      response.upgrade<Who>(
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
      if (place === 0) pass(user, groups, data)
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
            if (!socket) throw new Error('the relay cannot listen')
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
      ended()
    },
  )
}
