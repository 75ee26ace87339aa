import { gatewayBit, Session } from '../hosts/sessions/session.ts'
import type { WebSocket } from './uws.ts'

/** Opened, and not closed yet: any other time a call on the socket would throw. */
const connected = gatewayBit

/**
 * A session that is its socket: uWebSockets.js copies the fields of what is handed to `upgrade` onto the object that stands for the
 * socket. As two objects they took 72 bytes more for each user. So all that a client keeps is in plain fields.
 */
export class Client extends Session {
  /** The session that this socket has become; to be called when it opens, and once. */
  static of(socket: WebSocket<Client>): Client {
    methods ??= Object.getPrototypeOf(socket) as Methods
    // What has the fields is the socket itself; were it something else, in another version, they would be missing here.
    const client: Client = Object.setPrototypeOf(Object.assign(socket, socket.getUserData()), Client.prototype)
    client.flag(connected, true)
    return client
  }

  closed(): void {
    this.flag(connected, false)
  }

  override send(data: string | Uint8Array): boolean {
    // One send needs no cork. 2: it was dropped.
    return (this.flags & connected) === 0 || methods?.send.call(this, data, typeof data !== 'string') !== 2
  }

  override end(code: number, reason: string): void {
    if (this.flags & connected) methods?.end.call(this, code, reason)
  }
}

/** Those of all sockets. */
type Methods = Pick<WebSocket<Client>, 'send' | 'end'>
let methods: Methods | undefined
