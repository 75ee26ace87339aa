/**
 * Exactly once and in order, whatever happens: links that lose what is under way, frames that come again, recipients that
 * are busy, and a device that dies between any two writes to its storage, before or after the write has landed.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Client } from '../../src/client/client.ts'
import type { Storage, Transport } from '../../src/client/index.ts'
import { ModelServer } from './server.ts'
import { settle, VirtualClock } from './world.ts'

const runs = Number(process.env['CRASH_RUNS'] ?? 150)

/** What outlives a device. */
class Device {
  readonly kept = new Map<string, unknown>()
  /** Writes until the next crash; whether the last one still lands. */
  left = Number.POSITIVE_INFINITY
  lands = false
  dead = false

  storage(): Storage {
    this.dead = false
    this.left = Number.POSITIVE_INFINITY
    let alive = true
    return {
      load: async () => structuredClone(this.kept),
      write: async (changes) => {
        if (!alive) return new Promise(() => {})
        this.left -= 1
        if (this.left > 0 || this.lands)
          for (const [key, value] of structuredClone(changes))
            value === undefined ? this.kept.delete(key) : this.kept.set(key, value)
        if (this.left > 0) return
        alive = false
        this.dead = true
        return new Promise(() => {})
      },
      close: async () => {},
    }
  }
}

class Story {
  readonly server = new ModelServer()
  readonly clock = new VirtualClock()
  readonly device = new Device()
  readonly problems: string[] = []
  /** Seqs that the program saw, in order; after a crash the one in hand may come again. */
  readonly seen: number[] = []
  readonly queued = new Map<string, string[]>()
  /** By life and message: the states that the program heard of. What a crash kept from the storage is told again in the next life. */
  readonly states = new Map<string, string[]>()
  #client: Client
  #life = 0
  #inHand = false
  #n = 0

  constructor() {
    this.#client = this.#start()
  }

  #start(): Client {
    this.#life += 1
    const life = this.#life
    let first = true
    // A device that has died says nothing more.
    const transport: Transport = (...link) =>
      life === this.#life ? this.server.transport(...link) : { send: () => {}, close: () => {} }
    const storage = this.device.storage()
    const client = new Client({ url: 'ws://here', token: 'bob', storage, transport }, this.clock)
    void (async () => {
      for await (const message of client.messages()) {
        if (life !== this.#life) return
        const last = this.seen.at(-1) ?? 0
        const again = first && this.#inHand && message.seq === last
        first = false
        if (!again) {
          const missed = this.server.inbox.slice(last, message.seq - 1).filter(([kind]) => kind === 'message')
          if (message.seq <= last || missed.length > 0) this.problems.push(`${message.seq} came after ${last}`)
          this.seen.push(message.seq)
        }
        this.#inHand = true
        if (message.seq % 3 === 0) message.read()
        await settleOnce()
        this.#inHand = life !== this.#life || this.#inHand
      }
    })()
    client.on('message', ({ id, state }) => {
      const key = `${life} ${id}`
      this.states.set(key, [...(this.states.get(key) ?? []), state])
    })
    return client
  }

  async queue(to: string): Promise<void> {
    this.#n += 1
    const body = String(this.#n)
    const client = this.#client
    // What was not stored before the crash was not promised.
    void client.queue(to, body).then(() => this.queued.set(to, [...(this.queued.get(to) ?? []), body]))
  }

  crash(): void {
    this.#life += 1
    this.server.lose()
    this.#client = this.#start()
  }

  async step(step: Step): Promise<void> {
    const { server } = this
    switch (step.is) {
      case 'append':
        server.append('x')
        break
      case 'receipt': {
        const length = server.others.get(step.to)?.length ?? 0
        server.receipt(step.to, Math.min(length, step.n), Math.min(length, step.n - 1))
        break
      }
      case 'queue':
        await this.queue(step.to)
        break
      case 'busy':
        step.n % 2 ? server.busy.add(step.to) : server.busy.delete(step.to)
        break
      case 'lose':
        server.lose()
        break
      case 'wait':
        await this.clock.pass(step.n * 100)
        break
      case 'crash':
        this.device.left = step.n
        this.device.lands = step.lands
        break
      case 'work':
        for (let n = 0; n < step.n; n++) {
          server.hear()
          server.push(step.n % 3)
          server.deliver()
        }
    }
    await settle()
    if (this.device.dead) this.crash()
  }

  /** Everybody is well from now on. */
  async calm(): Promise<void> {
    this.device.left = Number.POSITIVE_INFINITY
    this.server.busy.clear()
    for (let quiet = 0, n = 0; quiet < 8 && n < 400; n++) {
      await this.clock.pass(200)
      for (let k = 0; k < 12; k++) {
        this.server.hear()
        this.server.push(0)
        this.server.deliver()
        await settle()
      }
      const done =
        this.server.acked === this.server.inbox.length &&
        (await this.#client.outbox()).every(({ state }) => state !== 'queued')
      quiet = done ? quiet + 1 : 0
    }
    await this.#client.close()
  }
}

const settleOnce = () => new Promise((resolve) => setImmediate(resolve))

type Step =
  | { is: 'append' | 'lose' }
  | { is: 'queue'; to: string }
  | { is: 'receipt' | 'busy'; to: string; n: number }
  | { is: 'wait' | 'work'; n: number }
  | { is: 'crash'; n: number; lands: boolean }

const to = fc.constantFrom('ann', 'ben')
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ is: fc.constant('append' as const) }) },
    { weight: 4, arbitrary: fc.record({ is: fc.constant('queue' as const), to }) },
    { weight: 8, arbitrary: fc.record({ is: fc.constant('work' as const), n: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('wait' as const), n: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('receipt' as const), to, n: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('busy' as const), to, n: fc.integer({ min: 0, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('lose' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        is: fc.constant('crash' as const),
        n: fc.integer({ min: 1, max: 4 }),
        lands: fc.boolean(),
      }),
    },
  ),
  { minLength: 5, maxLength: 60 },
)

const rank = ['queued', 'sent', 'delivered', 'read']

it(`gives each message once and sends each once, in order, through ${runs} stories of crashes and losses`, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const story = new Story()
      for (const step of steps) await story.step(step)
      await story.calm()
      expect(story.problems).toEqual([])
      const messages = story.server.inbox.flatMap((frame) => (frame[0] === 'message' ? [frame[1]] : []))
      expect(story.seen).toEqual(messages)
      expect(story.server.acked).toBe(story.server.inbox.length)
      for (const [to, bodies] of story.queued) {
        const log = (story.server.others.get(to) ?? []).map(({ body }) => String(body))
        expect(new Set(log).size).toBe(log.length)
        // A message whose write landed just before the crash is sent too, though nobody was told that it would be.
        expect(log.filter((body) => bodies.includes(body))).toEqual(bodies)
        expect([...log].sort((a, b) => Number(a) - Number(b))).toEqual(log)
      }
      for (const states of story.states.values()) {
        const ranks = states.map((state) => rank.indexOf(state))
        expect(ranks).toEqual([...ranks].sort())
      }
    }),
    { numRuns: runs },
  )
})
