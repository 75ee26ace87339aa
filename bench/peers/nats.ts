/** NATS over WebSocket with JetStream: the PubAck is the first tick, a durable push consumer delivers, and a core publication is the receipt, once per read of the socket. */
import type { Wire } from './user.ts'

const publication = (subject: string, reply: string, payload: string): string =>
  `PUB ${subject}${reply && ` ${reply}`} ${payload.length}\r\n${payload}\r\n`

const stream = JSON.stringify({
  name: 'CHAT',
  subjects: ['i.*'],
  retention: 'limits',
  storage: 'file',
  duplicate_window: 120e9,
})
const consumerOf = (user: string): string =>
  JSON.stringify({
    stream_name: 'CHAT',
    config: {
      durable_name: user,
      deliver_subject: `d.${user}`,
      filter_subject: `i.${user}`,
      ack_policy: 'all',
      deliver_policy: 'all',
      max_ack_pending: 1_000,
    },
  })

export const nats: Wire = {
  handshake: { path: '/' },
  client(user) {
    let rest = ''
    let greeted = false
    let told = 0
    let acknowledge = ''
    const inbox = `_I.${user.name}`

    const hello = () => {
      greeted = true
      const subjects = [`${inbox}.*`, `d.${user.name}`, `r.${user.name}`]
      const subscriptions = subjects.map((subject, n) => `SUB ${subject} ${n + 1}\r\n`)
      const options = '{"verbose":false,"pedantic":false,"lang":"x","version":"1","protocol":1}'
      user.put(
        `CONNECT ${options}\r\n${subscriptions.join('')}${publication('$JS.API.STREAM.CREATE.CHAT', `${inbox}.s`, stream)}`,
      )
    }
    const control = (line: string) => {
      if (line.startsWith('INFO') && !greeted) hello()
      else if (line === 'PING') user.put('PONG\r\n')
      else if (line.startsWith('-ERR')) user.closed(line)
    }
    const message = (subject: string, reply: string, payload: string) => {
      if (subject.startsWith('i.')) {
        acknowledge = reply
        return user.received(payload)
      }
      if (subject.startsWith('r.')) return user.heard(Number(payload))
      if (payload.includes('"error"')) return user.closed(payload)
      switch (subject.at(-1)) {
        case 'p':
          return user.taken()
        case 's':
          return user.put(
            publication(`$JS.API.CONSUMER.DURABLE.CREATE.CHAT.${user.name}`, `${inbox}.c`, consumerOf(user.name)),
          )
        case 'c':
          return user.ready()
      }
    }
    return {
      opened() {},
      send: (_number, body) => user.put(publication(`i.${user.peer}`, `${inbox}.p`, body)),
      message(bytes) {
        rest = eachPart(rest + bytes.toString('latin1'), control, message)
      },
      idle() {
        if (user.isSender || user.upTo === told) return
        told = user.upTo
        user.put(publication(acknowledge, '', '+ACK') + publication(`r.${user.peer}`, '', String(told)))
      },
    }
  },
}

/** Calls for each whole line, and for each message with its payload; returns what is left. */
function eachPart(
  text: string,
  control: (line: string) => void,
  message: (subject: string, reply: string, payload: string) => void,
): string {
  let at = 0
  for (;;) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return text.slice(at)
    const line = text.slice(at, end)
    if (!line.startsWith('MSG')) {
      control(line)
      at = end + 2
      continue
    }
    const fields = line.split(' ')
    const from = end + 2
    const to = from + Number(fields.at(-1))
    if (text.length < to + 2) return text.slice(at)
    message(fields[1] ?? '', fields.length === 5 ? (fields[3] ?? '') : '', text.slice(from, to))
    at = to + 2
  }
}
