/** A way to a node that goes dead without a word, as that of a laptop which slept or of a phone that left its network: nobody hears that it ended. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcp } from 'node:net'

export class Way {
  readonly #server
  readonly #ends = new Set<Socket>()
  /** WebSocket connections that were begun. */
  links = 0

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = tcp(port, '127.0.0.1')
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(from)
        from.on('error', () => undefined)
        from.on('data', (data) => {
          if (from === near && /^upgrade: websocket/im.test(data.toString('latin1'))) this.links += 1
          to.write(data)
        })
        from.on('close', () => to.destroy())
      }
    })
  }

  /** Answers its port. */
  async open(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** What goes this way now gets nowhere any more; what begins later does. */
  goDead(): void {
    for (const end of this.#ends) end.pause()
    this.#ends.clear()
  }

  close(): void {
    for (const end of this.#ends) end.destroy()
    this.#server.close()
  }
}
