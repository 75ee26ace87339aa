/** People who send as fast as a connection takes it, and repeat what was refused: without the SDK, which would wait. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'

/** Sends of one connection that are not answered; above `limits.sendsInFlight` (256) the connection itself answers `busy`. */
const unanswered = 200

export type Crowd = {
  /** Sends that have their tick, and refusals by code. */
  readonly counted: { sent: number; readonly refused: Record<string, number> }
  /** Each sends `each` messages to `to`: "crowd0 0", "crowd0 1" and so on. Resolves when all have their tick, and then they leave. */
  talk(to: string, each: number): Promise<unknown>
}

/** So many people who are signed in. */
export async function crowd(url: string, size: number): Promise<Crowd> {
  const counted: Crowd['counted'] = { sent: 0, refused: {} }
  const people = await Promise.all(Array.from({ length: size }, (_, n) => enter(url, `crowd${n}`)))
  return {
    counted,
    talk: (to, each) => Promise.all(people.map((socket, n) => talk(socket, `crowd${n}`, each, to, counted))),
  }
}

async function enter(url: string, name: string): Promise<WebSocket> {
  const socket = new WebSocket(url, 'bluetick.v1.json')
  await once(socket, 'open')
  socket.send(JSON.stringify(['hello', name, 'phone']))
  await once(socket, 'message')
  return socket
}

function talk(socket: WebSocket, name: string, each: number, to: string, counted: Crowd['counted']) {
  const bodies = new Map<string, string>()
  let next = 0
  const send = (id: string, again: boolean) => socket.send(JSON.stringify(['send', id, to, bodies.get(id), again]))
  const fill = () => {
    for (; bodies.size < unanswered && next < each; next++) {
      const id = randomUUID()
      bodies.set(id, `${name} ${next}`)
      send(id, false)
    }
  }
  return new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error(`${name} was disconnected`)))
    socket.on('message', (data) => {
      for (const line of String(data).split('\n')) {
        const [kind, ...frame] = JSON.parse(line)
        if (kind === 'ping') socket.send(JSON.stringify(['pong', frame[0]]))
        if (kind === 'error') {
          const [code, , id, retryAfter] = frame
          counted.refused[code] = (counted.refused[code] ?? 0) + 1
          if (bodies.has(id)) setTimeout(send, retryAfter, id, true)
        }
        if (kind !== 'sent' || !bodies.delete(frame[0])) continue
        counted.sent += 1
        fill()
        if (bodies.size > 0) continue
        socket.removeAllListeners('close').close()
        resolve()
      }
    })
    fill()
  })
}
