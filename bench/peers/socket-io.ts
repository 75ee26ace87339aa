/** Socket.IO 4 over WebSocket. The acknowledgement of `send` is the first tick; each message is acknowledged by itself, as Socket.IO does. */
import type { Ends, Wire } from './user.ts'

/** Types of Engine.IO and Socket.IO, as the digits that a packet begins with. */
const packet = { opened: '0', ping: '2', pong: '3', connect: '40', event: '42', ack: '43' } as const

type Came =
  | readonly ['message', id: number, from: string, body: string]
  | readonly ['delivered', user: string, id: string]

export const socketIo: Wire = {
  handshake: { path: '/socket.io/?EIO=4&transport=websocket', text: true },
  client(user) {
    let asked = 0
    return {
      opened() {},
      send(number, body) {
        user.put(`${packet.event}${asked++}["send","${user.peer}","${user.name}-${number}","${body}"]`)
      },
      message(bytes) {
        const text = bytes.toString('latin1')
        if (text === packet.ping) user.put(packet.pong)
        else if (text.startsWith(packet.connect)) user.ready()
        else if (text.startsWith(packet.ack)) user.taken()
        else if (text.startsWith(packet.event)) event(user, text)
        else if (text.startsWith(packet.opened)) user.put(`${packet.connect}{"token":"${user.name}"}`)
      },
    }
  },
}

function event(user: Ends, text: string): void {
  const at = text.indexOf('[')
  const came = JSON.parse(text.slice(at)) as Came
  if (came[0] === 'delivered') return user.heard(Number(came[2].slice(came[2].lastIndexOf('-') + 1)))
  user.put(`${packet.ack}${text.slice(packet.event.length, at)}[]`)
  user.received(came[3])
}
