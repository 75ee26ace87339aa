/** People who write to each other all the time, by one address: what they were told is the oracle of what a cluster did. */
import { expect } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'

const ranks = ['queued', 'sent', 'delivered', 'read']

export type Gaps = { readonly what: string; readonly boundMs: number; readonly took: readonly number[] }

export class People {
  readonly #clients: readonly Client[]
  /** What each got, and is to get. */
  readonly #got: readonly string[][]
  readonly #sent: readonly string[][]
  readonly #states = new Map<string, string>()
  readonly #fell: string[] = []
  /** Milliseconds that sends have taken since the last event. */
  #took: number[] = []
  readonly #gaps: Gaps[] = []
  #over = false
  readonly #sends: readonly Promise<void>[]

  constructor(url: string, count: number) {
    this.#clients = Array.from({ length: count }, (_, n) => connect({ url, token: `user${n}` }))
    this.#got = this.#clients.map((client) => this.#listen(client))
    this.#sent = this.#clients.map(() => [])
    this.#sends = this.#clients.map((client, n) => this.#talk(client, (n + 1) % count))
    for (const send of this.#sends) send.catch(() => undefined)
  }

  async #talk(client: Client, to: number): Promise<void> {
    for (let count = 0; !this.#over; count++) {
      const began = performance.now()
      await client.send(`user${to}`, `${count}`)
      this.#sent[to]?.push(`${count}`)
      this.#took.push(performance.now() - began)
    }
  }

  #listen(client: Client): string[] {
    const got: string[] = []
    client.on('message', ({ id, state }) => {
      const before = this.#states.get(id) ?? 'queued'
      if (ranks.indexOf(state) < ranks.indexOf(before)) this.#fell.push(`${id} was ${before}, and is ${state}`)
      this.#states.set(id, state)
    })
    void (async () => {
      for await (const message of client.messages()) {
        got.push(String(message.body))
        message.read()
      }
    })().catch(() => {})
    return got
  }

  /** Resolves when each has sent some more. */
  async goOn(): Promise<void> {
    const before = this.#sent.map(({ length }) => length)
    const isOn = () => this.#sent.every(({ length }, n) => length > (before[n] as number) + 2)
    await expect.poll(isOn, { timeout: 120_000 }).toBe(true)
  }

  /** Something has happened, and all go on. `boundMs`: how long it may keep them waiting. */
  async mark(what: string, boundMs: number): Promise<void> {
    await this.goOn()
    this.#gaps.push({ what, boundMs, took: this.#took.sort((a, b) => a - b) })
    this.#took = []
  }

  /** All has come, once and in its order; all is read, and no tick was ever taken back. */
  async end(): Promise<void> {
    this.#over = true
    await Promise.all(this.#sends)
    console.log(table(this.#gaps))
    const lengths = (all: readonly string[][]) => all.map(({ length }) => length)
    await expect.poll(() => lengths(this.#got), { timeout: 120_000 }).toEqual(lengths(this.#sent))
    expect(this.#got).toEqual(this.#sent)
    const states = () => [...new Set(this.#states.values())]
    await expect.poll(states, { timeout: 120_000 }).toEqual(['read'])
    expect(this.#fell).toEqual([])
    for (const client of this.#clients) client.close()
  }
}

function table(gaps: readonly Gaps[]): string {
  const of = (took: readonly number[], part: number) => Math.round(took[Math.floor((took.length - 1) * part)] ?? 0)
  const rows = gaps.map(({ what, boundMs, took }) =>
    [what.padEnd(34), took.length, of(took, 0.5), of(took, 0.99), of(took, 1), boundMs].join('\t'),
  )
  return ['event'.padEnd(34).concat('\tsends\tp50 ms\tp99\tmax\tbound'), ...rows].join('\n')
}
