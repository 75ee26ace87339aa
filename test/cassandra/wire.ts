/** A wire between a process and an address, which may be cut: nothing comes through any more, and nobody is told. */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'

export class Wire {
  readonly #server = createServer((near) => this.#take(near))
  readonly #ends = new Set<Socket>()
  #to: { host: string; port: number } | undefined
  #cut = false

  /** Its port on the loopback. */
  static async lay(): Promise<Wire> {
    const wire = new Wire()
    wire.#server.listen(0, '127.0.0.1').unref()
    await once(wire.#server, 'listening')
    return wire
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  lead(host: string, port: number): void {
    this.#to = { host, port }
  }

  #take(near: Socket): void {
    const far = this.#to && createConnection(this.#to)
    if (!far) return void near.destroy()
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#ends.add(from)
      from.setNoDelay(true)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#ends.delete(from)
        to.destroy()
      })
      from.on('data', (bytes) => this.#cut || to.write(bytes))
    }
  }

  cut(): void {
    this.#cut = true
  }

  /** Connections that missed something do not come back, as on any network. */
  mend(): void {
    for (const end of this.#ends) end.destroy()
    this.#cut = false
  }
}
