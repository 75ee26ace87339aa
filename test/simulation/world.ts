/**
 * A node, its clients and its store on virtual time: what is to run soon, each call of the store, each frame on a wire and time itself wait
 * for the next step, which somebody else chooses. The hosts and the runtime are those of src/; the store, the sockets and the clock are not.
 */
import { expect } from 'vitest'
import type { Fault } from '../../src/embed/faults.ts'
import { completeOptions } from '../../src/embed/options.ts'
import { uploadHolder } from '../../src/media/media.ts'
import { startHosts } from '../../src/node/hosts.ts'
import { closeNamed } from '../../src/protocol/codes.ts'
import type { Entry } from '../../src/protocol/entry.ts'
import type { ServerFrame } from '../../src/protocol/frames.ts'
import type { Change } from '../../src/protocol/group.ts'
import { isGroup, type MessageId, type UserId } from '../../src/protocol/ids.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import type { Replicas } from './cluster.ts'
import { Device } from './device.ts'
import { Disk } from './disk.ts'
import { Life, plays, quiet, Time } from './life.ts'
import { team } from './names.ts'
import { Wire } from './wire.ts'

const limits = completeLimits({
  devices: 3,
  windowEntries: 4,
  windowBytes: 100,
  inboxEntries: 1_000,
  appendsInFlight: 6,
  sendsInFlight: 5,
  listed: 10,
  members: 4,
})
/** What the driver throws in an actor. */
class Crash extends Error {}

/** What is uploaded is held for so long. */
const dayMs = 86_400_000
/** What a person does. */
const personal = new Set(['hello', 'send', 'read'])
/** What a node does again and again asks these of the store. */
const chores = new Set(['expire', 'saveLastSeen', 'saveReckoning', 'collect'])

type Sizes = { readonly mailbox: number; readonly turn: number; readonly lap: number; readonly idleMs: number }
/** `laps`: its store writes once a lap. `media`: every other message carries some. */
export type Options = {
  readonly replicas?: Replicas | null
  readonly laps?: boolean
  readonly media?: boolean
  readonly sizes?: Partial<Sizes>
}
/** Who looks at what goes on in a world. */
export type Eyes = {
  /** A frame leaves the node, also on a wire that is dead. */
  leaves(world: World, device: Device, frame: ServerFrame): void
  /** A frame arrives at its device. */
  take(world: World, device: Device, frame: ServerFrame): Promise<void>
}

export class World {
  readonly time = new Time()
  readonly disk: Disk
  readonly devices: Device[]
  putBacks = 0
  /** No actor has crashed, and no node has ended: then nothing is forgotten. */
  isWhole = true
  /** Whose actors have crashed. */
  readonly crashed = new Set<UserId>()
  /** The chats that programs have deleted, or do. */
  readonly programs = new Map<string, { readonly user: UserId; readonly chat: UserId; done: boolean }>()
  /** What an actor did that nobody made it do. */
  readonly faults: unknown[]
  /** What has left the node, and is to be looked at. */
  readonly left: (() => Promise<void>)[] = []
  readonly #eyes: Eyes
  readonly #media: boolean
  #sizes: Sizes
  #life = new Life(this.time)
  #hosts!: Awaited<ReturnType<typeof startHosts>>
  /** Which of the writes under way are durable when the node dies in the middle of a lap. */
  #landed = 0
  /** Wires that are dead, though the node does not know yet. */
  #dead: Wire[] = []

  private constructor(
    devices: readonly (readonly [string, string])[],
    eyes: Eyes,
    { replicas = null, laps = false, media = false, sizes }: Options,
  ) {
    this.#eyes = eyes
    this.#media = media
    this.disk = new Disk(replicas, laps)
    this.faults = this.disk.faults
    this.#sizes = { mailbox: 64, turn: 1, lap: 1_000, idleMs: 5_000, ...sizes }
    this.devices = devices.map(([user, name]) => new Device(user, name))
    const [founder, ...others] = this.devices as [Device, ...Device[]]
    this.write(founder, team, 'Team', 'create')
    this.write(founder, team, [...new Set(others.map(({ user }) => user))].join('\n'), 'add')
  }

  static async begin(devices: readonly (readonly [string, string])[], eyes: Eyes, options: Options): Promise<World> {
    const world = new World(devices, eyes, options)
    await world.disk.open()
    await world.#start()
    return world
  }

  /** Of a world that is over nothing is kept. */
  end(): void {
    this.#hosts.runtime.end()
    plays(undefined)
  }

  async #start(): Promise<void> {
    this.#life = new Life(this.time)
    plays(this.#life)
    this.disk.life = this.#life
    this.disk.prompt = true
    const onFault = (fault: Fault) => this.#fault(fault)
    const { store, media } = this.disk
    const options = completeOptions({ store, limits, onFault, ...(this.#media && { media }) })
    this.#hosts = await startHosts(options, onFault, this.#life.clock, { shards: 2, spares: 2, ...this.#sizes })
    await this.#hosts.join()
    await quiet()
    this.disk.prompt = false
  }

  #fault({ where, error }: Fault): void {
    const cause = error instanceof Error ? error.cause : undefined
    if (where === 'actor' && !(cause instanceof Crash)) this.faults.push(error)
  }

  /** Waits until nothing goes on by itself, and looks at what came of it. */
  async #rest(): Promise<void> {
    await quiet()
    for (const look of this.left.splice(0)) await look()
    const [fault] = this.faults
    if (fault) throw fault
    if (this.#life.over) await this.kill(this.#landed)
  }

  /** What is durable of a log. */
  log(user: UserId) {
    return this.disk.logs.get(user)
  }

  entries(user: UserId, now = this.time.wall): Promise<readonly Entry[]> {
    return this.disk.entries(user, now)
  }

  /** One of those that wait has its turn. */
  async turn(nth: number): Promise<void> {
    this.#life.run(nth)
    await this.#rest()
  }

  /** All that wait have. */
  async turns(): Promise<void> {
    for (let left = this.#life.waiting; left > 0; left--) this.#life.run(0)
    await this.#rest()
  }

  async call(nth: number, outcome: 'ok' | 'fails' | 'unknown'): Promise<void> {
    await this.disk.end(nth, outcome)
    await this.#rest()
  }

  /** The store answers all that it was asked. */
  async answers(): Promise<void> {
    for (const call of this.disk.calls.splice(0)) await call.end('ok')
    await this.#rest()
  }

  async tick(ms: number): Promise<void> {
    this.time.now += ms
    this.#life.tick()
    await this.#rest()
  }

  /** An actor crashes so many times over a message. */
  async crash(id: UserId, times: number): Promise<void> {
    this.crashed.add(id)
    this.isWhole = false
    let left = times
    const timer = {
      is: 'timer',
      get timer() {
        left -= 1
        if (left >= 0) throw new Crash('a crash')
        return isGroup(id) ? 'record' : 'stay'
      },
    }
    if (isGroup(id)) this.#hosts.groups.tell(id, timer as never)
    else this.#hosts.users.tell(id, timer as never)
    await this.#rest()
  }

  /** kill -9: memory and links are gone; `landed`: which of the writes under way are on the disk. */
  async kill(landed: number): Promise<void> {
    await this.disk.die(landed)
    await this.#restart()
  }

  /** It is killed so when it has done so many things more that others see: between the turns of a lap, the write and the sends. */
  dies(acts: number, landed: number): void {
    this.#landed = landed
    this.#life.endsAfter(acts)
  }

  /** The node is killed, and starts on the copy. Reads after it are forgotten, with whoever was told of them. */
  async putBack(): Promise<void> {
    if (!(await this.disk.putBack())) return
    this.disk.calls = []
    this.putBacks += 1
    for (const device of this.devices) device.lose()
    await this.#restart()
  }

  async #restart(): Promise<void> {
    this.isWhole = false
    this.#hosts.runtime.end()
    this.#dead = []
    for (const device of this.devices) device.leave()
    await this.#start()
  }

  connect(device: Device): void {
    if (device.wire) return
    const { sessions } = this.#hosts
    const wire = new Wire(
      limits,
      sessions.now,
      this.#life,
      (frame) => this.#eyes.leaves(this, device, frame),
      (wire, code) => sessions.ended(wire, code),
    )
    sessions.open(wire)
    device.enter(wire)
  }

  /** A link ends: the node knows at once, or takes it for alive. */
  async disconnect(device: Device, known: boolean): Promise<void> {
    const { wire } = device
    if (!wire) return
    device.leave()
    if (known) this.#hosts.sessions.ended(wire, 1000)
    else this.#dead.push(wire)
    await this.#rest()
  }

  /** The node finds a link dead. */
  async find(): Promise<boolean> {
    const wire = this.#dead.shift()
    if (wire) this.#hosts.sessions.ended(wire, 1006)
    await this.#rest()
    return wire !== undefined
  }

  /** What a device has said arrives, and the next frame for it does. */
  async frame(device: Device): Promise<void> {
    const { wire } = device
    if (!wire) return
    if (wire.up.length > 0 && wire.code === null) {
      if (wire.up.some(([kind]) => personal.has(kind))) device.activeAt = this.time.now
      this.#hosts.sessions.incoming(wire, wire.take())
    }
    await this.#rest()
    if (device.wire !== wire) return
    const frame = wire.down.shift()
    if (frame) await this.#eyes.take(this, device, frame)
    else if (wire.code !== null) await this.#closed(device, wire.code)
  }

  /** All that is on its way to a device arrives, and what it has said. */
  async frames(device: Device): Promise<boolean> {
    let any = false
    while (device.wire && device.wire.up.length + device.wire.down.length + (device.wire.code ?? 0) > 0) {
      any = true
      await this.frame(device)
    }
    return any
  }

  async #closed(device: Device, code: number): Promise<void> {
    const may = ['restarted', 'unavailable', 'hello_late', ...(this.putBacks > 0 ? ['resync'] : [])]
    expect(may, 'an honest device may come back').toContain(closeNamed(code))
    await this.disconnect(device, true)
  }

  write(device: Device, to: UserId, body = 'body', change?: Change): void {
    const id = this.time.uuid() as MessageId
    const carries = this.#media && !change && this.time.named % 2 === 0
    const media = carries
      ? this.disk.contents.put(
          id.replaceAll('-', '').padStart(64, '0'),
          uploadHolder(device.user),
          this.time.wall + dayMs,
        )
      : undefined
    device.outbox.push({ id, to, body, media, change, tried: false, flying: false, at: null, life: 0, since: 0 })
  }

  send(device: Device, to: UserId): void {
    device.send(to, this.log(to)?.written.length ?? 0)
  }

  /** Runs all that waits, without faults. Answers whether there was anything but what a node does again and again. */
  async flow(): Promise<boolean> {
    let busy = false
    while (this.#life.waiting + this.disk.calls.length > 0) {
      busy ||= this.#life.waiting > 0 || this.disk.calls.some(({ name }) => !chores.has(name))
      while (this.#life.waiting > 0) await this.turn(0)
      await this.answers()
    }
    return busy
  }

  /** A program deletes a chat of a user, and repeats it until it is done. */
  async deleteChat(user: UserId, chat: UserId): Promise<void> {
    const deletion = { user, chat, done: false }
    this.programs.set(`${user} ${chat}`, deletion)
    this.#hosts.node.deleteChat(user, chat).then(
      () => {
        deletion.done = true
      },
      () => undefined,
    )
    await this.#rest()
  }
}
