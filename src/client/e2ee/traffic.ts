/** What goes between the session and the server, on its way: sends are sealed, entries opened. */
import type { ErrorCode } from '../../protocol/codes.ts'
import type { ClientFrame, SendFrame, ServerFrame } from '../../protocol/frames.ts'
import { isGroup, type MessageId } from '../../protocol/ids.ts'
import { timerOf } from '../../protocol/lifetime.ts'
import { isSealedGroup, sealedItem } from '../../protocol/sealed.ts'
import { systemClock } from '../clock.ts'
import { RefusedError } from '../errors.ts'
import type { Engine } from './engine.ts'
import { type Line, Lost } from './line.ts'
import { isSealedId } from './medium.ts'
import { opened } from './opening.ts'
import { isBehind, type Pin, waits } from './pins.ts'
import { Repair } from './repair.ts'
import { draft, sealedSend } from './sealing.ts'
import { Serial } from './serial.ts'
import type { E2eeOptions, Place, Unread } from './types.ts'

const refusal = (id: string, code: string, retryAfter = 0): ServerFrame => {
  return ['error', code as ErrorCode, 'send', id as MessageId, retryAfter, '']
}

/** Milliseconds until the server is asked again for links that it does not show. */
const askAgainMs = 5_000

export class Traffic {
  readonly #engine: Engine
  readonly #plaintext: NonNullable<E2eeOptions['plaintext']>
  readonly #place: () => Promise<Place>
  readonly repair: Repair
  /** By recipient: sends are sealed in their order. */
  readonly #sending = new Serial()
  #wakes: (() => void)[] = []

  constructor(
    engine: Engine,
    { plaintext = 'refuse' }: E2eeOptions,
    place: () => Promise<Place>,
    unread: (event: Unread) => void,
  ) {
    this.#engine = engine
    this.#plaintext = plaintext
    this.#place = place
    this.repair = new Repair(engine, unread, place, () => this.wake())
  }

  heard(line: Line, frame: ServerFrame): ServerFrame | undefined | Promise<ServerFrame> {
    const engine = this.#engine
    if (frame[0] === 'message' || frame[0] === 'copy')
      return opened(engine, this.repair, line, frame, this.#plaintext !== 'allow')
    if (frame[0] === 'gone') this.repair.gone(null, frame[1], frame[2])
    if (frame[0] === 'deleted') this.repair.gone(frame[2], frame[3], frame[4])
    const id = frame[0] === 'sent' ? frame[1] : frame[0] === 'error' && frame[2] === 'send' ? frame[3] : null
    if (id !== null && line.changing.delete(id)) queueMicrotask(() => this.wake())
    const sealed = id === null ? undefined : engine.sealed.get(id)
    if (!sealed || id === null) return frame
    if (frame[0] === 'error' && frame[1] === 'stale_devices') {
      engine.pins.doubt(...Object.keys(sealed.ns))
      return frame
    }
    if (frame[0] === 'error' && frame[4] > 0) return frame
    engine.vault.set(engine.keepSealed(id, undefined))
    // It was sealed more than a day ago, and its body is gone: it is uploaded anew.
    if (frame[0] === 'error' && frame[1] === 'unknown_media' && sealed.isLong) return refusal(id, 'busy', 1_000)
    if (frame[0] !== 'sent') return frame
    const [kind, , epoch, seq, time, lifetime] = frame
    const timer = timerOf(lifetime ?? '')
    if (timer) engine.vault.set(engine.repairs.vanishes(id, systemClock.now() + timer.ms))
    if (sealed.step) {
      const { list, ...step } = sealed.step
      engine.vault.set(engine.groups?.changed(sealed.to, engine.user, { ...step, at: seq }, list) ?? [])
    }
    if (isSealedGroup(sealed.to)) engine.vault.set(engine.repairs.stands(id, seq))
    return [kind, id, epoch, seq, time, lifetime, sealedItem] as unknown as ServerFrame
  }

  sends(line: Line, frame: SendFrame): Promise<SendFrame | ServerFrame> {
    const refused = (error: unknown) => {
      if (error instanceof RefusedError) return refusal(frame[1], error.code)
      throw error
    }
    return this.#sending.run(frame[2], () => this.#sends(line, frame).catch(refused))
  }

  async #sends(line: Line, frame: SendFrame): Promise<SendFrame | ServerFrame> {
    const [, id, to, , , media, change] = frame
    if (isSealedGroup(to)) return change === 'leave' || change === 'join' ? frame : this.#sendsToGroup(line, frame)
    if (isGroup(to) || change) return media && isSealedId(media) ? refusal(id, 'no_keys') : frame
    const engine = this.#engine
    const theirs = await this.#unless(waits, line, to)
    const mine = await this.#mine(line)
    const may = mine && theirs.chain.n > 0
    if (may && media && !isSealedId(media)) return refusal(id, 'not_sealed')
    const sealed = may
      ? await sealedSend(engine, frame, (frame) => draft(engine, line, frame, theirs, mine))
      : undefined
    if (sealed) return sealed
    if (this.#plaintext !== 'refuse' && theirs.chain.n === 0 && !(media && isSealedId(media))) return frame
    return refusal(id, 'no_keys')
  }

  async #sendsToGroup(line: Line, frame: SendFrame): Promise<SendFrame | ServerFrame> {
    const engine = this.#engine
    const mine = await this.#mine(line)
    if (frame[5] && !isSealedId(frame[5])) return refusal(frame[1], 'not_sealed')
    const { sendToGroup } = await engine.withGroups()
    while ([...line.changing.values()].includes(frame[2])) await this.#waken(line)
    if (frame[6]) line.changing.set(frame[1], frame[2])
    const sealed = mine ? await sendToGroup(engine, line, this.repair, frame, mine, () => this.#waken(line)) : 'no_keys'
    if (typeof sealed !== 'string') return sealed
    line.changing.delete(frame[1])
    return refusal(frame[1], sealed)
  }

  /** Until something is other than before. */
  async #waken(line: Line): Promise<void> {
    await new Promise<void>((resolve) => this.#wakes.push(resolve))
    if (!line.isOpen) throw new Lost()
  }

  /** Its own chain, where this device is in it. */
  async #mine(line: Line): Promise<Pin | undefined> {
    const { own, user, device } = this.#engine
    const place = await this.#place()
    const mine = await this.#unless(isBehind, line, user)
    return place === 'linked' && own.isIn(mine.chain, device) ? mine : undefined
  }

  /** As long as the person has not said that the new devices of a user are theirs, or the server shows too few links, nothing goes there. */
  async #unless(holds: (pin: Pin) => boolean, line: Line, user: string): Promise<Pin> {
    for (;;) {
      const pin = await this.#engine.pins.known(line, user)
      if (!holds(pin)) return pin
      if (isBehind(pin)) systemClock.after(askAgainMs, () => this.wake())
      await this.#waken(line)
    }
  }

  /** What the session says of other things. */
  says(frame: ClientFrame): void {
    const { vault, repairs } = this.#engine
    if (frame[0] !== 'delete') return
    const [, chat, from, upTo] = frame
    this.repair.gone(chat, from, upTo)
    if (from === 1) vault.set(repairs.forget(chat))
  }

  /** Who waits looks again. */
  wake(): void {
    for (const wake of this.#wakes.splice(0)) wake()
  }
}
