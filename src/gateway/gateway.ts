/** Owns the sockets: upgrades, heartbeat, limits per address; HTTP is http.ts's. It moves frames and knows no chat. */
import { createConnection, createServer } from 'node:net'
import type { OnEvent } from '../embed/events.ts'
import type { Address } from '../hosts/sessions/session.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import { codecOf } from '../protocol/codecs.ts'
import { closeCodes } from '../protocol/codes.ts'
import type { Limits } from '../protocol/limits.ts'
import { clientOf } from './address.ts'
import { Client } from './connection.ts'
import { type Route, serveHttp } from './http.ts'
import type { Origins } from './origin.ts'
import {
  App,
  type HttpRequest,
  type HttpResponse,
  type ListenSocket,
  localPort,
  stopListening,
  type TemplatedApp,
  type WebSocket,
} from './uws.ts'

export type GatewayOptions = {
  readonly limits: Limits
  /** Seconds after which a silent connection is dead: 8 to 960. */
  readonly heartbeatSeconds: number
  readonly origins: Origins
  /** Whether an address is that of a proxy which tells the truth of its clients. */
  readonly trusts: (address: string) => boolean
  readonly route: Route
  /** Whether it takes those who might as well come by another node. */
  readonly isReady: () => boolean
  readonly onEvent?: OnEvent | undefined
}

export class Gateway {
  readonly #app: TemplatedApp
  readonly #sessions: Sessions
  readonly #options: GatewayOptions
  readonly #addresses = new Map<string, Address>()
  #listening: ListenSocket | undefined

  constructor(sessions: Sessions, options: GatewayOptions) {
    this.#sessions = sessions
    this.#options = options
    this.#app = App()
    this.#app.ws<Client>('/*', {
      maxPayloadLength: options.limits.frameBytes + 64 * 1024,
      maxBackpressure: options.limits.socketBytes,
      idleTimeout: options.heartbeatSeconds,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => this.#upgrade(response, request, context),
      open: (socket) => this.#open(socket),
      message: (socket, data, binary) => {
        const client = sessionOf(socket)
        if (client.codec?.binary !== binary) return this.#sessions.garbled(client)
        this.#sessions.incoming(client, binary ? copied(data) : Buffer.from(data).toString('utf8'))
      },
      close: (socket, code) => this.#closed(socket, code),
    })
    serveHttp(this.#app, options.route, (response, request) => clientOf(response, request, options.trusts))
  }

  /** Resolves with the port. Rejects when it cannot be had. `shared`: also where others listen on it, who share it too. */
  async listen(host: string, port: number, shared = false): Promise<number> {
    if (port !== 0 && !shared) await probe(host, port)
    return new Promise((resolve, reject) => {
      this.#app.listen(host, port, (socket) => {
        if (!socket) return void whyNot(host, port).then(reject)
        this.#listening = socket
        resolve(localPort(socket))
      })
    })
  }

  /** Accepts no more connections. */
  stopListening(): void {
    if (this.#listening) stopListening(this.#listening)
    this.#listening = undefined
  }

  close(): void {
    this.stopListening()
    this.#app.close()
  }

  #upgrade(response: HttpResponse, request: HttpRequest, context: Parameters<HttpResponse['upgrade']>[4]): void {
    const { limits, origins, trusts, isReady } = this.#options
    // An upgrade has no body: of one that says so it is not certain what comes behind it.
    if (hasBody(request)) return void response.close()
    if (request.getHeader('sec-websocket-version') !== '13')
      return void response.writeStatus('426 Upgrade Required').writeHeader('sec-websocket-version', '13').end()
    // Who names a node is sent to it by HAProxy also where that takes nobody new; refused, it comes by another one.
    if (request.getQuery('node') && !isReady()) return void response.writeStatus('503 Service Unavailable').end()
    const address = clientOf(response, request, trusts)
    const refusal = origins.refusal({ address, header: (name) => request.getHeader(name) })
    if (refusal !== undefined) return void response.writeStatus('403 Forbidden').end(`${refusal}\n`)
    const offered = request
      .getHeader('sec-websocket-protocol')
      .split(',')
      .map((name) => name.trim())
    const codec = offered.map(codecOf).find(Boolean)
    const bearer = /^Bearer (.+)$/i.exec(request.getHeader('authorization'))?.[1] ?? null
    const token = bearer ?? offered.find((name) => name.startsWith('token.'))?.slice(6) ?? null
    const key = request.getHeader('sec-websocket-key')
    const protocol = codec?.subprotocol ?? offered.find((name) => !name.startsWith('token.')) ?? ''
    response.upgrade<Client>(
      new Client(limits, this.#sessions.now, codec, this.#address(address), token),
      key,
      protocol,
      request.getHeader('sec-websocket-extensions'),
      context,
    )
  }

  #address(text: string): Address {
    const address = this.#addresses.get(text) ?? { text, open: 0 }
    this.#addresses.set(text, address)
    return address
  }

  #open(socket: WebSocket<Client>): void {
    const client = Client.of(socket)
    const { codec, address } = client
    address.open += 1
    if (!codec) return client.end(closeCodes.bad_protocol.number, 'bad_protocol')
    if (address.open > this.#options.limits.connectionsPerAddress) {
      this.#options.onEvent?.({ event: 'refused', code: 'too_many_connections', address: address.text })
      return client.end(closeCodes.too_many_connections.number, 'too_many_connections')
    }
    this.#sessions.open(client)
  }

  #closed(socket: WebSocket<Client>, code: number): void {
    const client = sessionOf(socket)
    const { address } = client
    client.closed()
    address.open -= 1
    if (address.open === 0) this.#addresses.delete(address.text)
    this.#sessions.ended(client, code)
  }
}

/** Of a socket that has opened. */
const sessionOf = (socket: WebSocket<Client>): Client => socket as unknown as Client

function hasBody(request: HttpRequest): boolean {
  if (request.getHeader('transfer-encoding') !== '') return true
  if (request.getHeader('content-length') === '') return false
  let empty = true
  request.forEach((name, value) => {
    if (name === 'content-length' && value !== '0') empty = false
  })
  return !empty
}

/** uWebSockets.js shares a port with whoever listens on it already; this refuses one that is taken. */
function probe(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // A port of this machine answers at once; an address that is not of this machine may never.
    const socket = createConnection({ host, port, timeout: 1_000 })
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    socket.once('error', () => resolve())
    socket.once('connect', () => {
      socket.destroy()
      reject(new Error(`Cannot listen on ${host}:${port}: the port is in use.`))
    })
  })
}

/** uWebSockets.js does not say why it cannot listen; Node does. */
function whyNot(host: string, port: number): Promise<Error> {
  return new Promise((resolve) => {
    const because = (why: string, cause?: Error) =>
      resolve(new Error(`Cannot listen on ${host}:${port}: ${why}.`, { cause }))
    const server = createServer()
    server.once('error', (cause) => because(cause.message, cause))
    server.listen(port, host, () => server.close(() => because('the port is in use')))
  })
}

/** Bytes of messages that share an ArrayBuffer. A body that stays keeps all of them in memory, so they are not too many. */
const slabBytes = 32 * 1024
let slab = new Uint8Array(slabBytes)
let used = 0

/** A message of so few bytes has none that stay: the shortest with any has an array, a kind, and a string or a body of one. */
const fleeting = 3

/** The bytes of a message, which are gone when its callback returns. An ArrayBuffer each takes 5 % of the CPU, and Node's pool 3 %. */
function copied(data: ArrayBuffer): Uint8Array {
  if (data.byteLength <= fleeting) return new Uint8Array(data)
  if (data.byteLength > slabBytes / 8) return new Uint8Array(data.slice(0))
  if (used + data.byteLength > slabBytes) {
    slab = new Uint8Array(slabBytes)
    used = 0
  }
  const bytes = slab.subarray(used, used + data.byteLength)
  bytes.set(new Uint8Array(data))
  used += data.byteLength
  return bytes
}
