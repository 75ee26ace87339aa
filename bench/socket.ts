/**
 * A WebSocket client that costs little: the generator must not be slower than what it measures. All sockets read into one
 * buffer, so a message is valid only while it is handled.
 */
import { connect, type Socket as Tcp } from 'node:net'
import type { Ways } from './ways.ts'

/**
 * `relay`: the bare one, which joins users in groups of so many. `wire`: what a server of another kind speaks. `ways`: it is several
 * nodes. `reads`: users read what they get.
 */
export type Target = {
  readonly host: string
  readonly port: number
  readonly relay: boolean
  readonly groups?: number
  readonly wire?: string
  readonly ways?: Ways
  readonly reads?: boolean
}

/** `text`: messages are text, not bytes. */
export type Handshake = { readonly path: string; readonly subprotocol?: string; readonly text?: boolean }

export interface Receiver {
  /** The upgrade is done. */
  opened(): void
  message(bytes: Uint8Array): void
  /** All that has come for now is handled: the time to answer. */
  idle(): void
  closed(reason: string): void
}

const shared = Buffer.allocUnsafeSlow(256 * 1024)
const opcodes = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export const wire = { received: 0, sent: 0 }

export class Socket {
  readonly #tcp: Tcp
  readonly #receiver: Receiver
  #rest: Buffer | null = null
  #upgraded = false
  #out: Uint8Array[] = []
  #ended = false
  readonly #opcode: number
  /** What has come of a message that comes in parts. */
  #parts: Buffer | null = null

  constructor(target: Target, { path, subprotocol, text }: Handshake, localAddress: string, receiver: Receiver) {
    this.#receiver = receiver
    this.#opcode = text ? opcodes.text : opcodes.binary
    this.#tcp = connect({
      host: target.host,
      port: target.port,
      localAddress,
      noDelay: true,
      onread: { buffer: shared, callback: (size, buffer) => this.#read(buffer.subarray(0, size) as Buffer) },
    })
    this.#tcp.on('error', (error) => this.#end(error.message))
    this.#tcp.on('close', () => this.#end('closed'))
    this.#tcp.write(
      `GET ${path} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${
          subprotocol ? `Sec-WebSocket-Protocol: ${subprotocol}\r\n` : ''
        }\r\n`,
    )
  }

  /** Adds a message to what `flush` writes. */
  send(payload: Uint8Array): void {
    this.#out.push(header(this.#opcode, payload.length), payload)
  }

  flush(): void {
    if (this.#out.length === 0 || this.#ended) return
    const bytes = Buffer.concat(this.#out)
    this.#out = []
    wire.sent += bytes.length
    this.#tcp.write(bytes)
  }

  /**
   * Without order: what is under way is lost. A port that was closed in order is in nobody's use for a minute, and to find another
   * among so many takes the kernel a millisecond: the next 19,000 to come within that minute took 22 s, not 10.
   */
  close(): void {
    this.#ended = true
    this.#tcp.resetAndDestroy()
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#tcp.destroy()
    this.#receiver.closed(reason)
  }

  #read(chunk: Buffer): boolean {
    wire.received += chunk.length
    let bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = null
    if (!this.#upgraded) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end === -1) return this.#keep(bytes)
      if (!bytes.toString('latin1', 0, 12).startsWith('HTTP/1.1 101')) this.#end(bytes.toString('latin1', 0, 30))
      this.#upgraded = true
      bytes = bytes.subarray(end + 4)
      this.#receiver.opened()
    }
    this.#messages(bytes)
    this.#receiver.idle()
    this.flush()
    return true
  }

  #messages(bytes: Buffer): void {
    let at = 0
    while (bytes.length - at >= 2 && !this.#ended) {
      const head = bytes[at] as number
      let size = (bytes[at + 1] as number) & 0x7f
      let start = at + 2
      if (size === 126) {
        if (bytes.length < at + 4) break
        size = bytes.readUInt16BE(at + 2)
        start = at + 4
      } else if (size === 127) {
        if (bytes.length < at + 10) break
        size = Number(bytes.readBigUInt64BE(at + 2))
        start = at + 10
      }
      if (bytes.length < start + size) break
      this.#frame((head & 0x80) !== 0, head & 0xf, bytes.subarray(start, start + size))
      at = start + size
    }
    if (at < bytes.length) this.#keep(bytes.subarray(at))
  }

  #frame(isLast: boolean, opcode: number, payload: Buffer): void {
    if (isLast && opcode === this.#opcode) return this.#receiver.message(payload)
    if (opcode <= opcodes.binary) return this.#part(isLast, payload)
    if (opcode === opcodes.ping) this.#out.push(header(opcodes.pong, payload.length), Buffer.from(payload))
    if (opcode === opcodes.close) this.#end(`closed: ${payload.toString('utf8', 2) || payload.readUInt16BE(0)}`)
  }

  #part(isLast: boolean, payload: Buffer): void {
    this.#parts = Buffer.concat([...(this.#parts ? [this.#parts] : []), payload])
    if (!isLast) return
    const whole = this.#parts
    this.#parts = null
    this.#receiver.message(whole)
  }

  #keep(bytes: Buffer): true {
    this.#rest = Buffer.from(bytes)
    return true
  }
}

/** A client's header. The mask is zero, which leaves the payload as it is: it protects proxies, and here is none. */
function header(opcode: number, size: number): Buffer {
  const long = size > 125
  const head = Buffer.alloc(long ? 8 : 6)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (long ? 126 : size)
  if (long) head.writeUInt16BE(size, 2)
  return head
}
