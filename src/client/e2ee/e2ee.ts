/** End-to-end encryption for a client: `connect({ …, e2ee: e2ee() })`. What it does and does not hide is in docs/e2ee.md. */
import type { SendFrame, ServerFrame } from '../../protocol/frames.ts'
import { isGroup } from '../../protocol/ids.ts'
import type { Beneath } from '../beneath.ts'
import { UsageError } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import { Engine } from './engine.ts'
import { begin, bring, enter } from './entering.ts'
import { type Line, Lost } from './line.ts'
import { safetyNumber } from './number.ts'
import { opened } from './opening.ts'
import { type Pin, rootOf, waits } from './pins.ts'
import { sealedSend } from './sealing.ts'
import type { E2ee, E2eeEvents, E2eeOptions, Place, Unread, UserIdentity } from './types.ts'
import { wired } from './wire.ts'

export const e2ee = (options: E2eeOptions = {}): E2ee => new ClientE2ee(options)

class ClientE2ee implements E2ee {
  readonly #options: E2eeOptions
  readonly #listeners = new Listeners<E2eeEvents>()
  #engine: Engine | undefined
  #line: Line | undefined
  #place: Promise<Place> = Promise.resolve('unlinked')
  /** By recipient: sends are sealed in their order. */
  readonly #sending = new Map<string, Promise<unknown>>()
  #wakes: (() => void)[] = []

  constructor(options: E2eeOptions) {
    this.#options = options
  }

  around(beneath: Beneath): Beneath {
    if (this.#engine) throw new UsageError('bad_option', 'each client needs an e2ee() of its own')
    const { realm = '' } = this.#options
    const engine = new Engine(realm, beneath.storage, (user, why) => this.#listeners.tell('identity', { user, why }))
    this.#engine = engine
    const { codec, transport } = wired(beneath, {
      welcomed: (line, [, user, device, epoch]) => this.#welcomed(line, user, device, epoch),
      heard: (line, frame) => this.#heard(line, frame),
      sends: (line, frame) => this.#inOrder(frame, () => this.#sends(line, frame)),
      low: (line) => void bring(engine, line).catch(() => {}),
      lost: () => this.#wake(),
    })
    return { codec, transport, storage: engine.vault.around() }
  }

  on<Name extends keyof E2eeEvents>(name: Name, listener: (event: E2eeEvents[Name]) => void): () => void {
    const end = this.#listeners.add(name, listener)
    return () => void end()
  }

  async place(): Promise<Place> {
    await this.#online()
    return this.#place
  }

  async identity(user: string): Promise<UserIdentity> {
    const engine = this.#running
    const line = await this.#online()
    await this.#place
    const [theirs, mine] = [await engine.pins.known(line, user), await engine.pins.known(line, engine.user)]
    const [root, own] = [theirs.chain.members[0], mine.chain.members[0]]
    if (!root || !own) throw new UsageError('no_keys', `${root ? engine.user : user} has no keys`)
    const { realm } = engine
    const number = safetyNumber(realm, { user: engine.user, identity: own.identity }, { user, identity: root.identity })
    const devices = theirs.chain.members.map(({ device }) => device)
    return { safetyNumber: number, verified: theirs.verified === rootOf(theirs.chain), devices, waits: waits(theirs) }
  }

  async verify(user: string, number: string): Promise<void> {
    const { safetyNumber } = await this.identity(user)
    if (digitsOf(number) !== digitsOf(safetyNumber)) throw new UsageError('other_number', 'the numbers differ')
    const pin = this.#running.pins.of(user)
    if (pin) this.#running.pins.keep(user, { ...pin, verified: rootOf(pin.chain) })
    await this.#running.vault.flush()
  }

  async accept(user: string): Promise<void> {
    const pin = this.#running.pins.of(user)
    if (pin) this.#running.pins.keep(user, { ...pin, accepted: pin.chain.n })
    await this.#running.vault.flush()
    this.#wake()
  }

  async reset(): Promise<Place> {
    const line = await this.#online()
    await this.#place
    this.#place = begin(this.#running, line)
    return this.#place
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
    this.#place = enter(engine, line, this.#options.first ?? (() => true))
    this.#place.then(
      (place) => this.#listeners.tell('place', { place }),
      () => {},
    )
    this.#wake()
  }

  #heard(line: Line, frame: ServerFrame): ServerFrame | undefined | Promise<ServerFrame> {
    const engine = this.#running
    if (frame[0] === 'message' || frame[0] === 'copy') {
      const unread = (event: Unread) => void this.#listeners.tell('unreadable', event)
      return opened(engine, line, frame, this.#options.plaintext !== 'allow', unread)
    }
    const id = frame[0] === 'sent' ? frame[1] : frame[0] === 'error' && frame[2] === 'send' ? frame[3] : null
    const sealed = id === null ? undefined : engine.sealed.get(id)
    if (!sealed || id === null) return frame
    if (frame[0] === 'error' && frame[1] === 'stale_devices') {
      engine.pins.doubt(engine.user, sealed.to)
      return frame
    }
    if (frame[0] === 'error' && frame[4] > 0) return frame
    engine.vault.set(engine.keepSealed(id, undefined))
    if (frame[0] !== 'sent') return frame
    const [kind, , epoch, seq, time, lifetime] = frame
    return [kind, id, epoch, seq, time, lifetime, true] as unknown as ServerFrame
  }

  #inOrder<T>({ 2: to }: SendFrame, task: () => Promise<T>): Promise<T> {
    const result = (this.#sending.get(to) ?? Promise.resolve()).then(task, task)
    this.#sending.set(to, result)
    void result.catch(() => {}).then(() => this.#sending.get(to) === result && this.#sending.delete(to))
    return result
  }

  async #sends(line: Line, frame: SendFrame): Promise<SendFrame | ServerFrame> {
    const [, id, to, , , , change] = frame
    if (isGroup(to) || change) return frame
    const engine = this.#running
    const place = await this.#place
    const theirs = await this.#accepted(line, to)
    const mine = await engine.pins.known(line, engine.user)
    const may = place === 'linked' && engine.own.isIn(mine.chain, engine.device) && theirs.chain.n > 0
    const sealed = may ? await sealedSend(engine, line, frame, theirs, mine) : undefined
    if (sealed) return sealed
    if (this.#options.plaintext === 'allow' && theirs.chain.n === 0) return frame
    return ['error', 'no_keys', 'send', id, 0, '']
  }

  /** As long as the person has not said that the new devices of a user are theirs, nothing goes there. */
  async #accepted(line: Line, user: string): Promise<Pin> {
    for (;;) {
      const pin = await this.#running.pins.known(line, user)
      if (!waits(pin)) return pin
      await new Promise<void>((resolve) => this.#wakes.push(resolve))
      if (!line.isOpen) throw new Lost()
    }
  }

  async #online(): Promise<Line> {
    while (!this.#line?.isOpen) await new Promise<void>((resolve) => this.#wakes.push(resolve))
    return this.#line
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake()
  }
}

const digitsOf = (number: string): string => number.replace(/\D/g, '')
