/** The SDK in a process whose clock is set back and ahead, beside a node whose clock is right. */
import { once } from 'node:events'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { describe, it, type TestContext } from 'vitest'
import { createNode, memoryStore } from '../../src/index.ts'
import { Clocked, needsFaketime } from './clocked.ts'

const sdk = resolve('dist/src/client/index.js')
const hour = 3_600_000

/** A road to a node that can be cut, and frozen: it then carries nothing more, and nobody is told. */
class Road {
  readonly #server: Server
  readonly #ends: Socket[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async to(port: number): Promise<Road> {
    const server = createServer()
    const road = new Road(server)
    server.on('connection', (near) => {
      const far = dial(port, '127.0.0.1')
      for (const end of [near, far]) end.on('error', () => {})
      near.pipe(far)
      far.pipe(near)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
      road.#ends.push(near, far)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return road
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  cut(): void {
    for (const end of this.#ends.splice(0)) end.destroy()
  }

  freeze(): void {
    for (const end of this.#ends) end.unpipe().pause()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }
}

describe('the SDK', needsFaketime, () => {
  async function start({ expect, onTestFinished }: TestContext) {
    const node = createNode({ store: memoryStore(), heartbeatSeconds: 8 })
    const { port } = await node.listen({ port: 0 })
    const road = await Road.to(port)
    const client = new Clocked([resolve('test/clock/client.mjs'), sdk, road.url, 'alice'])
    onTestFinished(async () => {
      client.process.kill('SIGKILL')
      road.close()
      await node.close()
    })
    const says = (text: string) => expect.poll(() => client.out, { interval: 20 }).toContain(text)
    await says('online')
    return { node, road, client, says }
  }

  it.concurrent.for([
    ['an hour back', -hour],
    ['15 s back', -15_000],
    ['an hour ahead', hour],
  ] as const)(
    'comes back, sends, acknowledges and notices a link that is frozen, with its clock %s',
    async ([, offset], context) => {
      const { expect } = context
      const { node, road, client, says } = await start(context)
      const send = async (text: string) => {
        const began = performance.now()
        client.process.stdin?.write(`${text}\n`)
        await says(`sent ${text}`)
        expect(performance.now() - began).toBeLessThan(10_000)
      }
      const acknowledged = async (seq: number) => {
        const cursor = async () => (await node.inspect('alice'))?.devices[0]?.cursor
        await expect.poll(cursor).toBe(seq)
      }
      await node.send({ from: 'bob', to: 'alice', body: 'one' })
      await acknowledged(1)
      client.step(offset)
      await send('with another clock')
      await node.send({ from: 'bob', to: 'alice', body: 'two' })
      await acknowledged(2)
      client.out = ''
      road.cut()
      await says('online')
      client.out = ''
      client.step(0)
      client.step(offset)
      road.freeze()
      await says('waiting silent')
      await says('online')
      await send('after that')
    },
  )
})
