/** A client whose clock somebody sets says the same, at the same moments, as one whose clock is right. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ClientFrame } from '../../src/protocol/frames.ts'
import { type FakeLink, message, settle, World, welcome } from './world.ts'

const day = 86_400_000

/** One thing that happens, and so many milliseconds until the next. */
type Event = { readonly is: (typeof kinds)[number]; readonly thenMs: number }
const kinds = ['arrive', 'send', 'lose', 'refuse', 'freeze', 'type'] as const

/** A server that answers until the link is frozen. */
class Run {
  readonly world = new World()
  readonly #client = this.world.connect()
  readonly #log: string[] = []
  readonly #heard = new WeakMap<FakeLink, number>()
  readonly #frozen = new WeakSet<FakeLink>()
  #tail = 0
  #refusing = false

  /** `steps`: how far ahead the clock is from each event on. */
  async play(events: readonly Event[], steps: readonly number[]): Promise<string[]> {
    void (async () => {
      for await (const { seq } of this.#client.messages()) this.#tail = Math.max(this.#tail, seq)
    })()
    for (const [n, { is, thenMs }] of events.entries()) {
      this.world.clock.ahead = steps[n] ?? 0
      await this.#happen(is)
      for (let left = thenMs; left > 0; left -= 50) await this.#pass(Math.min(left, 50))
    }
    await this.#client.close()
    return this.#log
  }

  async #happen(is: Event['is']): Promise<void> {
    const { link } = this.world
    this.#refusing = is === 'refuse'
    if (is === 'arrive' && this.#client.connection.is === 'online') link.say(message(this.#tail + 1))
    if (is === 'send' || is === 'refuse') await this.#client.queue('alice', 'hi')
    if (is === 'lose' && this.#client.connection.is !== 'waiting') link?.lose()
    if (is === 'freeze' && link) this.#frozen.add(link)
    if (is === 'type') this.#client.typing('alice')
  }

  async #pass(ms: number): Promise<void> {
    await this.world.clock.pass(ms)
    const { link } = this.world
    const { time } = this.world.clock
    const { said, closed } = link
    if (this.#frozen.has(link)) return
    if (said.length === 0 && closed === undefined && this.#client.connection.is === 'connecting') link.open()
    await settle()
    for (let at = this.#heard.get(link) ?? 0; at < said.length; at++) {
      const [kind, ref] = said[at] as ClientFrame
      this.#heard.set(link, at + 1)
      this.#log.push(`${time} ${kind}`)
      if (kind === 'hello') link.say(welcome({ seq: this.#tail }))
      if (kind === 'ping') link.say(['pong', 0])
      if (kind === 'send' && this.#refusing) link.say(['error', 'busy', 'send', ref as string, 700, ''])
      else if (kind === 'send') link.say(['sent', ref, 7, 1, 0] as never)
    }
  }
}

it('says the same at the same moments, however its clock is set', async () => {
  const event = fc.record({ is: fc.constantFrom(...kinds), thenMs: fc.constantFrom(50, 400, 3_000, 20_000) })
  const step = fc.constantFrom(0, -15_000, -3_600_000, 3_600_000, 31 * day)
  const plays = fc.array(fc.tuple(event, step), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(plays, async (play) => {
      const events = play.map(([event]) => event)
      const right = await new Run().play(events, [])
      expect(
        await new Run().play(
          events,
          play.map(([, step]) => step),
        ),
      ).toEqual(right)
    }),
    { numRuns: 40 },
  )
})
