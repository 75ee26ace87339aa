/** People with several devices, by one address. Few of them write at a time, and all in their turn: what they were told is the oracle of what a cluster did. */
import { expect } from 'vitest'
import { type Client, connect } from '../../src/client/index.ts'
import type { Gaps, Happens } from './gaps.ts'

const ranks = ['queued', 'sent', 'delivered', 'read']
/** A writer writes so often at most: what the machine is to show is the cluster, and not how much it can do. */
const slotMs = 250
/** Devices that come at a time. */
const atOnce = 40
const patience = { timeout: 240_000, interval: 500 }

export type Size = { readonly people: number; readonly devices: number; readonly writing: number }

type Person = {
  readonly name: string
  readonly devices: readonly Client[]
  /** What each of the devices has got, and of what its person sent from another one. */
  readonly got: readonly string[][]
  readonly copied: readonly Set<string>[]
  /** What is sent to them, and what they send. */
  readonly due: string[]
  readonly ids: Set<string>
  writes: boolean
}

export class People {
  readonly gaps: Gaps
  readonly #people: Person[] = []
  readonly #url: string
  readonly #size: Size
  readonly #states = new Map<string, string>()
  readonly #fell: string[] = []
  readonly #writing = new Map<Person, Promise<void>>()
  #shift = 0
  #over = false

  private constructor(url: string, size: Size, gaps: Gaps) {
    this.#url = url
    this.#size = size
    this.gaps = gaps
  }

  /** All are connected, and the first write. */
  static async gather(url: string, size: Size, gaps: Gaps): Promise<People> {
    const all = new People(url, size, gaps)
    for (let n = 0; n < size.people; n++) {
      all.#people.push(all.#enter(n))
      if ((n + 1) % Math.ceil(atOnce / size.devices) === 0 || n + 1 === size.people) await all.#connected()
    }
    all.#next()
    await all.goOn()
    gaps.warm()
    await all.#rest()
    return all
  }

  #enter(n: number): Person {
    const name = `user${n}`
    const numbers = Array.from({ length: this.#size.devices }, (_, device) => device)
    const devices = numbers.map((device) => connect({ url: this.#url, token: name, device: `device${device}` }))
    const copied = numbers.map(() => new Set<string>())
    for (const [device, client] of devices.entries())
      this.#note(client, device === 0 ? null : (copied[device] as Set<string>))
    const got = devices.map((client, device) => this.#listen(client, device === 0))
    return { name, devices, got, copied, due: [], ids: new Set(), writes: false }
  }

  #connected(): Promise<void> {
    const isOnline = () =>
      this.#people.every(({ devices }) => devices.every(({ connection }) => connection.is === 'online'))
    return expect.poll(isOnline, patience).toBe(true)
  }

  /** States only rise. `copied`: where it is another device that sends. */
  #note(client: Client, copied: Set<string> | null): void {
    client.on('message', ({ id, state }) => {
      if (copied) return void copied.add(id)
      const before = this.#states.get(id) ?? 'queued'
      if (ranks.indexOf(state) < ranks.indexOf(before)) this.#fell.push(`${id} was ${before}, and is ${state}`)
      this.#states.set(id, state)
    })
  }

  #listen(client: Client, reads: boolean): string[] {
    const got: string[] = []
    void (async () => {
      for await (const message of client.messages()) {
        got.push(String(message.body))
        if (reads) message.read()
      }
    })().catch(() => {})
    return got
  }

  /** Those who write have a rest, and as many others write. */
  #next(): void {
    const { people, writing } = this.#size
    for (const person of this.#people) person.writes = false
    for (let nth = 0; nth < writing; nth++) {
      const n = (this.#shift * writing + nth) % people
      const [person, to] = [this.#people[n] as Person, this.#people[(n + 1) % people] as Person]
      person.writes = true
      if (this.#writing.has(person)) continue
      const writes = this.#write(person, to).finally(() => this.#writing.delete(person))
      writes.catch(() => undefined)
      this.#writing.set(person, writes)
    }
    this.#shift += 1
  }

  /** Each has one who writes to them. */
  async #write(person: Person, to: Person): Promise<void> {
    while (person.writes && !this.#over) {
      const began = performance.now()
      const body = `${to.due.length}`
      const { id } = await (person.devices[0] as Client).send(to.name, body)
      to.due.push(body)
      person.ids.add(id)
      const ms = performance.now() - began
      this.gaps.took(ms)
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, slotMs - ms)))
    }
  }

  /** What each was to get, by their names. */
  get due(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.#people.map(({ name, due }) => [name, due]))
  }

  /** Resolves when each who writes has sent some more. */
  async goOn(): Promise<void> {
    const writers = this.#people.filter(({ writes }) => writes)
    const before = writers.map(({ ids }) => ids.size)
    const isOn = () => writers.every(({ ids }, n) => ids.size > (before[n] as number) + 2)
    await expect.poll(isOn, patience).toBe(true)
  }

  /** Something has happened, and all go on; then others write. */
  async mark(event: Happens): Promise<void> {
    await this.goOn()
    this.gaps.mark(event)
    this.#next()
    await this.#rest()
  }

  async #rest(): Promise<void> {
    await this.goOn()
    this.gaps.rest()
  }

  /** Somebody goes with the node by which they came. Answers in how many milliseconds all who watch them see that. */
  async goesWith(node: string, dies: () => void): Promise<number> {
    const goer = connect({ url: `${this.#url}/?node=${node}`, token: 'goer', device: 'phone' })
    const watchers = this.#people.slice(0, 3).map(({ devices }) => devices[0] as Client)
    const online: unknown[] = []
    const ends = watchers.map((watcher, n) =>
      watcher.watch('goer', (presence) => {
        online[n] = presence.online
      }),
    )
    const all = (is: boolean) => expect.poll(() => online, patience).toEqual(watchers.map(() => is))
    await all(true)
    dies()
    goer.close()
    const began = performance.now()
    await all(false)
    for (const end of ends) end()
    return performance.now() - began
  }

  /** All has come to each device, once and in its order; all is read, and no tick was ever taken back. */
  async end(): Promise<void> {
    this.#over = true
    await Promise.all(this.#writing.values())
    console.log(this.gaps.table())
    const missing = () =>
      this.#people.flatMap(({ name, got, due, copied, ids }) => [
        ...got.flatMap((bodies, n) =>
          bodies.length < due.length ? `${name} ${n}: ${bodies.length} of ${due.length}` : [],
        ),
        ...copied.flatMap((seen, n) =>
          n > 0 && seen.size < ids.size ? `${name} ${n}: ${seen.size} of ${ids.size} copies` : [],
        ),
      ])
    await expect.poll(missing, patience).toEqual([])
    for (const { name, got, due } of this.#people)
      for (const bodies of got) expect(bodies, `to each device of ${name}`).toEqual(due)
    for (const { name, copied, ids } of this.#people)
      for (const seen of copied.slice(1)) expect(seen, `copies for ${name}`).toEqual(ids)
    await expect.poll(() => [...new Set(this.#states.values())], patience).toEqual(['read'])
    expect(this.#fell).toEqual([])
    expect(this.#people.filter(({ due }) => due.length > 0).length, 'people who were written to').toBeGreaterThan(0)
    this.gaps.check()
  }

  close(): void {
    for (const { devices } of this.#people) for (const client of devices) client.close()
  }
}
