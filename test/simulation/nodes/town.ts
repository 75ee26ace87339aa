/**
 * Several nodes of one cluster with their hosts, routers and links, on one virtual clock: a call of the store, a change of the rows and a hop
 * between nodes take so many milliseconds, and nothing else takes any. So what passes is what somebody waited for.
 *
 * Whoever uses it has `src/cluster/link/grpc.ts` mocked by `wires.ts`.
 */
import { completeOptions } from '../../../src/embed/options.ts'
import { memoryStore } from '../../../src/index.ts'
import { startHosts } from '../../../src/node/hosts.ts'
import type { UserId } from '../../../src/protocol/ids.ts'
import { defaultLimits } from '../../../src/protocol/limits.ts'
import { shardOf } from '../../../src/runtime/index.ts'
import type { ClusterStore, Store } from '../../../src/store/contract.ts'
import { StoreError } from '../../../src/store/error.ts'
import { clusterRows } from '../../forwarding/shared.ts'
import { Life, plays, quiet, Time } from '../life.ts'
import { Wire } from '../wire.ts'
import { Phone } from './phone.ts'
import { road } from './wires.ts'

/** Milliseconds: a round trip to the store; a change of rows by compare-and-set, which takes four; the load of a log, which does as well. */
export const took = { call: 10, change: 40, load: 40, hop: 1 } as const

type Hosts = Awaited<ReturnType<typeof startHosts>>
export type Home = { readonly name: string; readonly hosts: Hosts }

export class Town {
  readonly time = new Time()
  readonly #life = new Life(this.time)
  readonly #inner: Store
  readonly #rows = clusterRows()
  readonly phones: Phone[] = []
  readonly faults: unknown[] = []
  /** Calls of the store, by name, that fail. */
  fails: (name: string) => boolean = () => false
  readonly #shards: number
  readonly #dead = new Set<string>()

  private constructor(inner: Store, shards: number) {
    this.#inner = inner
    this.#shards = shards
    plays(this.#life)
    road.carry = (run) => this.#life.clock.after(took.hop, run)
    road.isDead = (name) => this.#dead.has(name)
  }

  /** `shards`: more than 64 are of several parts. */
  static async begin(shards = 128): Promise<Town> {
    const inner = memoryStore()
    await inner.open()
    return new Town(inner, shards)
  }

  end(): void {
    plays(undefined)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#life.clock.after(ms, resolve))
  }

  /** The same, whose calls take their time, half of it until they come and half until their answer does. */
  #slow<T extends object>(of: string, target: T): T {
    const slow = Object.entries(target).map(([name, call]) => [
      name,
      async (...args: unknown[]) => {
        const ms = name === 'move' ? took.change : name === 'load' ? took.load : took.call
        await this.#wait(ms / 2)
        if (this.fails(name) || this.#dead.has(of)) throw new StoreError('unavailable', 'nobody answers')
        const answer = await call(...args)
        await this.#wait(ms / 2)
        return answer
      },
    ])
    return Object.fromEntries(slow)
  }

  #store(of: string): Store {
    const { lives: _, media: __, ...calls } = this.#inner
    const store: Store = {
      ...this.#slow(of, calls as Store),
      open: async () => {},
      close: async () => {},
      cluster: this.#slow<ClusterStore>(of, this.#rows),
      under: () => store,
      health: async () => ({ ok: true }),
      datacenter: 'dc1',
    }
    return store
  }

  /** A node that has joined. */
  async start(name: string): Promise<Home> {
    const options = completeOptions({ store: this.#store(name), cluster: { name, shards: this.#shards } })
    const onFault = (fault: unknown) => void this.faults.push(fault)
    let hosts: Hosts | undefined
    const starting = startHosts(options, onFault, this.#life.clock).then(async (started) => {
      await started.join()
      hosts = started
    })
    await this.until(() => hosts !== undefined)
    await starting
    return { name, hosts: hosts as unknown as Hosts }
  }

  /** As by kill -9, for everybody else: of that node nothing comes any more, and nothing that it does counts. */
  kill({ name }: Home): void {
    this.#dead.add(name)
  }

  shardOf(id: string): number {
    return shardOf(id, this.#shards)
  }

  /** What comes of it, as soon as time has passed for it. */
  async answer<T>(promise: Promise<T>): Promise<T> {
    let over = false
    promise.then(
      () => {
        over = true
      },
      () => {
        over = true
      },
    )
    await this.until(() => over)
    return promise
  }

  /** A device of a user that is connected by that node. */
  phone(user: string, { hosts }: Home): Phone {
    const { sessions } = hosts
    const wire = new Wire(
      defaultLimits,
      sessions.now,
      this.#life,
      () => {},
      (wire, code) => sessions.ended(wire, code),
    )
    sessions.open(wire)
    const phone = new Phone(user as UserId, wire, this.time, () => sessions.incoming(wire, wire.take()))
    this.phones.push(phone)
    return phone
  }

  /** Time passes, and whatever is due happens. */
  async pass(ms: number): Promise<void> {
    for (const end = this.time.now + ms; this.time.now < end; ) {
      this.time.now += 1
      this.#life.tick()
      await this.#rest()
      for (const phone of this.phones) phone.turn()
      await this.#rest()
    }
  }

  /** Nothing more happens at this moment. */
  async #rest(): Promise<void> {
    do {
      while (this.#life.waiting > 0) this.#life.run(0)
      await quiet()
    } while (this.#life.waiting > 0)
  }

  async until(isSo: () => boolean, mostMs = 60_000): Promise<void> {
    for (const end = this.time.now + mostMs; !isSo(); ) {
      if (this.time.now >= end) throw new Error(`not within ${mostMs} ms`)
      await this.pass(1)
    }
  }
}

export const shardsOf = ({ hosts }: Home): readonly number[] => hosts.node.cluster()?.shards ?? []
export const isMoving = ({ hosts }: Home): boolean => (hosts.node.cluster()?.moving ?? 0) > 0
