/** End-to-end encryption for a client: `connect({ …, e2ee: e2ee() })`. What it does and does not hide is in docs/e2ee.md. */
import type { Beneath } from '../beneath.ts'
import { systemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import type { HttpLink } from '../http-link.ts'
import { Listeners } from '../listeners.ts'
import { Engine, type Later } from './engine.ts'
import { begin, enter, placeIn, refill } from './entering.ts'
import type { Line } from './line.ts'
import { Traffic } from './traffic.ts'
import type { E2ee, E2eeEvents, E2eeOptions, GroupIdentity, Place, UserIdentity } from './types.ts'
import { wired } from './wire.ts'

/** Milliseconds between looks at whether this device was let in, where somebody was shown its code. */
const lookMs = 10_000

export const e2eeWith =
  (later: Later) =>
  (options: E2eeOptions = {}): E2ee =>
    new ClientE2ee(options, later)

class ClientE2ee implements E2ee {
  readonly #options: E2eeOptions
  readonly #later: Later
  readonly #listeners = new Listeners<E2eeEvents>()
  #engine: Engine | undefined
  #line: Line | undefined
  #place: Promise<Place> = Promise.resolve('unlinked')
  #told: Place | undefined
  #traffic: Traffic | undefined
  #stopLooking = () => {}
  #stopRefill = () => {}
  #wakes: (() => void)[] = []

  constructor(options: E2eeOptions, later: Later) {
    this.#options = options
    this.#later = later
  }

  around(beneath: Beneath, http: HttpLink): Beneath {
    if (this.#engine) throw new UsageError('bad_option', 'each client needs an e2ee() of its own')
    const engine = new Engine(
      this.#options,
      beneath.storage,
      (user, why) => void this.#listeners.tell('identity', { user, why }),
      (event) => void this.#listeners.tell('group', event),
      this.#later,
      http,
    )
    this.#engine = engine
    const traffic = new Traffic(
      engine,
      this.#options,
      () => this.#place,
      (event) => void this.#listeners.tell('unreadable', event),
    )
    this.#traffic = traffic
    const { codec, transport } = wired(beneath, {
      welcomed: (line, [, user, device, epoch]) => this.#welcomed(line, user, device, epoch),
      heard: (line, frame) => traffic.heard(line, frame),
      sends: (line, frame) => traffic.sends(line, frame),
      says: (frame) => traffic.says(frame),
      low: (line) => {
        this.#stopRefill()
        this.#stopRefill = refill(engine, line)
      },
      moved: (line) => this.#look(line),
      lost: () => {
        this.#stopLooking()
        this.#stopRefill()
        traffic.repair.lost()
        this.#wake()
      },
    })
    return { codec, transport, storage: engine.vault.around() }
  }

  on<Name extends keyof E2eeEvents>(name: Name, listener: (event: E2eeEvents[Name]) => void): () => void {
    const end = this.#listeners.add(name, listener)
    return () => void end()
  }

  upload: E2ee['upload'] = async (...given) => {
    const { upload } = await this.#later.media()
    return upload(this.#running, this.#options, () => this.#online(), ...given)
  }

  download: E2ee['download'] = async (...given) => (await this.#later.media()).download(...given)

  async place(): Promise<Place> {
    await this.#online()
    return this.#place
  }

  async identity(user: string): Promise<UserIdentity> {
    const line = await this.#settled()
    const { identityOf } = await this.#later.linking()
    return identityOf(this.#running, line, user)
  }

  async verify(user: string, shown: string): Promise<void> {
    const line = await this.#settled()
    const { verify } = await this.#later.linking()
    await verify(this.#running, line, user, shown)
  }

  async accept(user: string, seen?: UserIdentity): Promise<void> {
    const { accept } = await this.#later.linking()
    await accept(this.#running, user, seen)
    this.#wake()
    if (this.#line) this.#traffic?.repair.entered(this.#line)
  }

  async group(id: string): Promise<GroupIdentity> {
    const line = await this.#online()
    const { identityOf } = await this.#running.withGroups()
    return identityOf(this.#running, line, id)
  }

  async mark(members: readonly string[]): Promise<string> {
    const line = await this.#online()
    if ((await this.#place) !== 'linked') return '#'
    const { markFor } = await this.#running.withGroups()
    return markFor(this.#running, line, members, this.#options.plaintext)
  }

  async code(): Promise<string> {
    const engine = this.#running
    const line = await this.#online()
    await this.#anew(line)
    if ((await this.#place) === 'refused') throw new UsageError('refused', 'the server takes no sealed messages')
    this.#lookLater(line)
    const { codeText } = await this.#later.linking()
    return codeText(engine.own.code(engine.me))
  }

  async approve(code: string): Promise<void> {
    const line = await this.#settled()
    const { approve } = await this.#later.linking()
    await approve(this.#running, line, code)
  }

  async remove(device: string): Promise<void> {
    const line = await this.#settled()
    const { remove } = await this.#later.linking()
    await remove(this.#running, line, device)
  }

  async reset(): Promise<Place> {
    const line = await this.#online()
    await this.#anew(line)
    await this.#place
    return this.#is(begin(this.#running, line))
  }

  async begin(): Promise<Place> {
    const line = await this.#settled()
    return this.#is(enter(this.#running, line, () => true))
  }

  get #running(): Engine {
    if (!this.#engine) throw new UsageError('bad_option', 'hand it to connect() first: connect({ …, e2ee })')
    return this.#engine
  }

  #welcomed(line: Line, user: string, device: string, epoch: number): void {
    const engine = this.#running
    Object.assign(engine, { user, device, epoch })
    if (this.#line === line) return
    this.#line = line
    const entered = this.#is(enter(engine, line, this.#options.first ?? (() => true)))
    void entered.then((place) => place === 'linked' && this.#traffic?.repair.entered(line)).catch(() => {})
    this.#wake()
  }

  #is(found: Promise<Place>): Promise<Place> {
    this.#place = found
    const tell = (place: Place) => {
      if (place === this.#told) return
      this.#told = place
      this.#listeners.tell('place', { place })
    }
    void found.then(tell, () => {})
    return found
  }

  /** Of a device that was shut out: it begins as a new one. */
  async #anew(line: Line): Promise<void> {
    if ((await this.#place) !== 'removed') return
    const { anew } = await this.#later.linking()
    await anew(this.#running)
    await this.#is(enter(this.#running, line, () => false))
  }

  /** The devices of this user are others. */
  #look(line: Line): void {
    const engine = this.#running
    const found = this.#place.then(async (place) => {
      if (place === 'refused') return place
      await engine.pins.fresh(line, engine.user).catch(() => {})
      return placeIn(engine)
    })
    void this.#is(found).catch(() => {})
  }

  /** Where the server could not say so: this device is connected to another node than the one that let it in, and those were not linked. */
  #lookLater(line: Line): void {
    this.#stopLooking()
    this.#stopLooking = systemClock.after(lookMs, async () => {
      if (!line.isOpen || (await this.#place) !== 'unlinked') return
      this.#look(line)
      this.#lookLater(line)
    })
  }

  async #online(): Promise<Line> {
    while (!this.#line?.isOpen) await new Promise<void>((resolve) => this.#wakes.push(resolve))
    return this.#line
  }

  /** When it is known where this device stands. */
  async #settled(): Promise<Line> {
    const line = await this.#online()
    await this.#place
    return line
  }

  #wake(): void {
    this.#traffic?.wake()
    for (const wake of this.#wakes.splice(0)) wake()
  }
}
