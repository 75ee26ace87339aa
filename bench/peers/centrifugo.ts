/** Centrifugo's JSON protocol. A publication into the inbox channel of the peer; its reply is the first tick; the receipt is a publication into the sender's channel of receipts, once per read of the socket. */
import type { Wire } from './user.ts'

type Kind = 'connect' | 'subscribe' | 'message' | 'receipt'
type Reply = {
  readonly id?: number
  readonly error?: unknown
  readonly push?: {
    readonly channel: string
    readonly pub?: { readonly data: { readonly b: string; readonly n: number } }
  }
}

export const centrifugo: Wire = {
  handshake: { path: '/connection/websocket', text: true },
  client(user) {
    let id = 0
    let told = 0
    let subscribing = 2
    const asked = new Map<number, Kind>()
    const ask = (kind: Kind, command: string) => {
      id += 1
      asked.set(id, kind)
      user.put(`{"id":${id},${command}}`)
    }
    const publish = (kind: Kind, channel: string, data: string) =>
      ask(kind, `"publish":{"channel":"${channel}:${user.peer}","data":${data}}`)

    const answered = (kind: Kind | undefined) => {
      if (kind === 'message') user.taken()
      if (kind === 'connect')
        for (const channel of ['in', 'rc']) ask('subscribe', `"subscribe":{"channel":"${channel}:${user.name}"}`)
      if (kind === 'subscribe' && --subscribing === 0) user.ready()
    }
    const came = (line: string) => {
      // A ping.
      if (line === '{}') return user.put('{}')
      const { id: of, error, push } = JSON.parse(line) as Reply
      if (error) return user.closed(line)
      if (of !== undefined) {
        answered(asked.get(of))
        asked.delete(of)
      } else if (push?.pub) {
        if (push.channel.startsWith('in')) user.received(push.pub.data.b)
        else user.heard(push.pub.data.n)
      }
    }
    return {
      opened: () => ask('connect', '"connect":{}'),
      send: (_number, body) => publish('message', 'in', `{"b":"${body}"}`),
      message(bytes) {
        for (const line of bytes.toString('latin1').split('\n')) if (line !== '') came(line)
      },
      idle() {
        if (user.isSender || user.upTo === told) return
        told = user.upTo
        publish('receipt', 'rc', `{"n":${told}}`)
      },
    }
  },
}
