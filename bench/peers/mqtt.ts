/** MQTT 3.1.1 over WebSocket, QoS 1, persistent sessions. PUBACK is the first tick; the recipient publishes a receipt, once per read of its socket. */
import type { Wire } from './user.ts'

const keepAliveSeconds = 1_200
/** The type of a packet is in the upper half of its first byte. */
const type = { connected: 2, publish: 3, published: 4, subscribed: 9 } as const
const first = { connect: 0x10, publish: 0x32, published: 0x40, subscribe: 0x82 } as const

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const text = (value: string): Buffer => Buffer.concat([uint16(value.length), Buffer.from(value, 'latin1')])

function packet(head: number, ...parts: readonly Buffer[]): Buffer {
  let left = parts.reduce((sum, { length }) => sum + length, 0)
  const size: number[] = []
  do {
    size.push((left & 127) | (left > 127 ? 128 : 0))
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from([head, ...size]), ...parts])
}

export const mqtt: Wire = {
  handshake: { path: '/mqtt', subprotocol: 'mqtt' },
  client(user) {
    let id = 0
    let rest: Buffer = Buffer.alloc(0)
    let told = 0
    const receipts = new Set<number>()
    const nextId = () => {
      id = (id % 65_535) + 1
      return id
    }
    const [inbox, ticks] = [text(`i/${user.peer}/${user.name}`), text(`r/${user.peer}/${user.name}`)]
    const one = Buffer.from([1])

    const published = (head: number, body: Buffer) => {
      const topic = body.readUInt16BE(0)
      const at = 2 + topic + (head & 6 ? 2 : 0)
      if (head & 6) user.put(packet(first.published, body.subarray(2 + topic, 4 + topic)))
      if (body[2] === 'i'.charCodeAt(0)) user.received(body.toString('latin1', at))
      else user.heard(Number(body.toString('latin1', at)))
    }
    const came = (head: number, body: Buffer) => {
      switch (head >> 4) {
        case type.connected:
          return user.put(
            packet(first.subscribe, uint16(nextId()), text(`i/${user.name}/+`), one, text(`r/${user.name}/+`), one),
          )
        case type.subscribed:
          return user.ready()
        case type.published:
          return receipts.delete(body.readUInt16BE(0)) ? undefined : user.taken()
        case type.publish:
          return published(head, body)
      }
    }
    return {
      opened() {
        const level = Buffer.from([4, 0, ...uint16(keepAliveSeconds)])
        user.put(packet(first.connect, text('MQTT'), level, text(user.name)))
      },
      send(_number, body) {
        user.put(packet(first.publish, inbox, uint16(nextId()), Buffer.from(body, 'latin1')))
      },
      message(bytes) {
        rest = eachPacket(rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes, came)
      },
      idle() {
        if (user.isSender || user.upTo === told) return
        told = user.upTo
        receipts.add(nextId())
        user.put(packet(first.publish, ticks, uint16(id), Buffer.from(String(told))))
      },
    }
  },
}

/** Calls for each whole packet and returns what is left, in bytes of its own: they lie in a buffer that all sockets share. */
function eachPacket(bytes: Buffer, came: (head: number, body: Buffer) => void): Buffer {
  let at = 0
  for (;;) {
    let size = 0
    let end = at + 1
    for (let shift = 0; end < bytes.length; shift += 7) {
      const byte = bytes[end++] as number
      size |= (byte & 127) << shift
      if (byte < 128) break
    }
    const isWhole = end > at + 1 && (bytes[end - 1] as number) < 128 && end + size <= bytes.length
    if (!isWhole) return Buffer.from(bytes.subarray(at))
    came(bytes[at] as number, bytes.subarray(end, end + size))
    at = end + size
  }
}
