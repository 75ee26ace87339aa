/** One life of a node: it listens once, and closes once. */

import { isForHere } from '../embed/here.ts'
import type { CompleteOptions } from '../embed/options.ts'
import { checkOptions, isFlag, isNumber, isText } from '../protocol/options.ts'
import { systemClock } from '../runtime/index.ts'
import type { StoreError } from '../store/error.ts'
import { listening, type Where } from './start.ts'

type Running = Awaited<ReturnType<typeof listening>>

export class NodeLife {
  readonly #options: CompleteOptions
  #starting: Promise<Running> | undefined
  #running: Running | undefined
  #closing: Promise<void> | undefined
  #hurried = false
  #end: (stopped?: StoreError) => void = () => {}
  /** Rejects where the store could write no more. */
  readonly closed = new Promise<void>((resolve, reject) => {
    this.#end = (stopped) => (stopped ? reject(stopped) : resolve())
  })

  constructor(options: CompleteOptions) {
    this.#options = options
    // Who does not ask for it is told by `onFault`.
    this.closed.catch(() => {})
  }

  /** What a node that listens can be asked; throws before and after. */
  get node(): Running['node'] {
    if (this.#running) return this.#running.node
    throw new Error(this.#closing ? 'The node was closed.' : 'The node is not listening; call listen() first.')
  }

  async listen(where: Where): Promise<{ port: number; url: string }> {
    checkOptions('listen', where, { port: isNumber, host: isText, shared: isFlag })
    const { port = 8080, host = '127.0.0.1', shared = false } = where
    this.#check({ port, host, shared })
    this.#starting = listening(this.#options, { host, port, shared }, (error) => this.#broke(error))
    try {
      this.#running = await this.#starting
    } finally {
      this.#starting = undefined
    }
    return { port: this.#running.port, url: `ws://${host.includes(':') ? `[${host}]` : host}:${this.#running.port}` }
  }

  #check({ port, host, shared }: Required<Where>): void {
    const { cluster, authenticate } = this.#options
    if (shared && !cluster)
      throw new RangeError('Only nodes of a cluster share a port: leave out shared, or set cluster.')
    if (shared && port === 0) throw new RangeError('A port that is shared has to be named: it cannot be 0.')
    if (!authenticate && !isForHere(host))
      throw new RangeError(`Refusing to listen on ${host} without authentication: pass authenticate to createNode.`)
    if (this.#closing) throw new Error('The node was closed, and lives once: make a new one, with a new store.')
    if (this.#running || this.#starting) throw new Error('The node is listening already.')
  }

  async close(how: { overMs?: number }): Promise<void> {
    checkOptions('close', how, { overMs: isNumber })
    const { overMs = 0 } = how
    if (overMs === 0) this.#hurried = true
    this.#closing ??= this.#close(overMs)
    await this.#closing
  }

  async #close(overMs: number): Promise<void> {
    await this.#starting?.catch(() => undefined)
    await this.#running?.leave(overMs, () => this.#hurried)
    const ending = this.#running
    this.#running = undefined
    await ending?.close()
    this.#end()
  }

  #broke(error?: StoreError): void {
    this.#hurried = true
    this.#closing ??= this.#close(0)
    // Who ends the process now ends it when the clients have been told.
    systemClock.soon(() => this.#end(error))
  }
}
