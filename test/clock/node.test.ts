/** A real node whose wall clock is set back and ahead while it runs. */
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { makeToken } from '../../src/index.ts'
import { freePort } from '../ports.ts'
import { Clocked, needsFaketime } from './clocked.ts'

const main = resolve('dist/src/cli/main.js')
const [second, hour, day] = [1_000, 3_600_000, 86_400_000]

const nodes: Clocked[] = []
const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
  for (const { process } of nodes) {
    if (process.exitCode !== null || process.signalCode !== null) continue
    process.kill(signal)
    await inTime(`the end after ${signal}`, once(process, 'exit'))
  }
  nodes.length = 0
}
/** Of what hangs it is told what it is, and what the nodes have printed. */
async function inTime<T>(what: string, happens: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = () => new Error(`Not come in 100 s: ${what}. Printed: ${nodes.map(({ out }) => out).join('\n')}`)
    timer = setTimeout(() => reject(error()), 100_000)
  })
  return Promise.race([happens, late]).finally(() => clearTimeout(timer))
}
afterEach(() => end('SIGKILL'))

async function serve(data = mkdtempSync(join(tmpdir(), 'bluetick-clock-')), offset = 0, args: string[] = []) {
  const port = await freePort()
  const node = new Clocked([main, 'serve', '--port', String(port), '--data', data, ...args], offset)
  nodes.push(node)
  await expect.poll(() => node.out).toContain('chat page')
  return { node, data, url: `ws://127.0.0.1:${port}` }
}

/** A client by hand: a frame for a frame. */
class Hand {
  readonly #socket: WebSocket
  readonly #heard: unknown[][] = []
  #wake = () => {}
  /** The close code; undefined while it is open. */
  closed: number | undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => {
      for (const line of String(data).split('\n')) this.#heard.push(JSON.parse(line))
      this.#wake()
    })
    socket.on('close', (code) => {
      this.closed = code
      this.#wake()
    })
  }

  static async enter(url: string, user: string): Promise<Hand> {
    const socket = new WebSocket(url, 'bluetick.v1.json')
    const hand = new Hand(socket)
    await inTime(`a connection of ${user}`, once(socket, 'open'))
    hand.say('hello', user)
    await hand.hears('welcome')
    return hand
  }

  leave(): void {
    this.#socket.close()
  }

  say(...frame: unknown[]): void {
    this.#socket.send(JSON.stringify(frame))
  }

  /** The next frame of a kind. */
  hears(kind: string): Promise<unknown[]> {
    return inTime(`a frame ${kind}`, this.#next(kind))
  }

  async #next(kind: string): Promise<unknown[]> {
    for (;;) {
      const at = this.#heard.findIndex(([is]) => is === kind)
      if (at >= 0) return this.#heard.splice(0, at + 1).at(-1) as unknown[]
      if (this.closed !== undefined) throw new Error(`closed with ${this.closed}`)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
}

describe('a node', needsFaketime, () => {
  it.each([
    ['10 s back', -10 * second],
    ['an hour back', -hour],
    ['an hour ahead', hour],
  ])('closes nobody, and goes on with sends, when its clock is set %s, and right again', async (_, offset) => {
    const { node, url } = await serve()
    const hands = await Promise.all(Array.from({ length: 5 }, (_, n) => Hand.enter(url, `u${n}`)))
    for (const step of [offset, 0, offset]) {
      node.step(step)
      for (const hand of hands) {
        hand.say('send', crypto.randomUUID(), 'bob', 'hi')
        await hand.hears('sent')
        hand.say('ping', 1)
        await hand.hears('pong')
      }
    }
  })

  it('ends a session with its token, and no other, whatever its clock says meanwhile', async () => {
    const secret = 'a secret of at least thirty-two bytes'
    const file = join(mkdtempSync(join(tmpdir(), 'bluetick-clock-')), 'secret')
    writeFileSync(file, secret)
    const { node, url } = await serve(undefined, 0, ['--secret-file', file])
    const enter = async (user: string, seconds: number) =>
      Hand.enter(url, await makeToken(new TextEncoder().encode(secret), { user }, seconds))
    const long = await enter('alice', 3_600)
    for (const step of [day, -day]) {
      const brief = await enter('bob', 5)
      node.step(step)
      await expect.poll(() => brief.closed).toBe(3008)
      long.say('ping', 1)
      await long.hears('pong')
      node.step(0)
    }
  })

  it('says nobody was last seen later than now, when its clock was a day ahead for a moment', async () => {
    const { node, url } = await serve()
    node.step(day)
    const bob = await Hand.enter(url, 'bob')
    bob.leave()
    const alice = await Hand.enter(url, 'alice')
    const seen = async () => {
      alice.say('unwatch', 'bob')
      alice.say('watch', 'bob')
      const [, , online, at] = await alice.hears('presence')
      return online ? Number.POSITIVE_INFINITY : Number(at)
    }
    await expect.poll(seen).toBeGreaterThan(Date.now() + day / 2)
    node.step(0)
    expect(await seen()).toBeLessThanOrEqual(Date.now())
    const first = await seen()
    expect(await seen()).toBe(first)
  })

  it('keeps what inboxes hold, and how far devices are, when it starts with a clock that is a month ahead', async () => {
    const { data, url } = await serve()
    const bob = await Hand.enter(url, 'bob')
    const alice = await Hand.enter(url, 'alice')
    const send = async (body: string) => {
      alice.say('send', crypto.randomUUID(), 'bob', body)
      await alice.hears('sent')
    }
    await send('one')
    await bob.hears('message')
    bob.say('ack', 1)
    bob.leave()
    await send('two')
    await end('SIGTERM')
    const ahead = await serve(data, 31 * day)
    const other = await Hand.enter(ahead.url, 'carol')
    other.say('send', crypto.randomUUID(), 'dave', 'hi')
    await other.hears('sent')
    await end('SIGTERM')
    const right = await serve(data)
    const again = await Hand.enter(right.url, 'bob')
    expect(await again.hears('message')).toMatchObject({ 1: 2, 5: 'two' })
  })

  it('keeps what it took while its clock was of 1970, when that is set right', async () => {
    const { data } = await serve()
    await end('SIGTERM')
    const { url } = await serve(data, 10 * day - Date.now())
    const alice = await Hand.enter(url, 'alice')
    alice.say('send', crypto.randomUUID(), 'bob', 'hi')
    await alice.hears('sent')
    await end('SIGTERM')
    const right = await serve(data)
    // Inboxes are looked at when a node starts.
    const ready = () => fetch(`http${right.url.slice(2)}/readyz`, { signal: AbortSignal.timeout(20_000) })
    await expect.poll(async () => (await ready()).status).toBe(200)
    const bob = await Hand.enter(right.url, 'bob')
    expect(await bob.hears('message')).toMatchObject({ 1: 1, 5: 'hi' })
  })
})
