/** What a device says about what it could not read: loaded when there is such a thing. */
import { systemClock } from '../clock.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { nameOf } from './peers.ts'
import { type Device, sayQuietly } from './quiet.ts'
import { begunMs, mostOfAll, type Task, type Wanted } from './repairs.ts'
import { resend } from './resending.ts'

/** Times that one message is asked for. */
const mostTries = 4

type Says = Parameters<typeof sayQuietly>[3]

/** Who tells what comes of it. `later`: one thing at a time is said. */
type Teller = {
  giveUp(name: string, wanted: Wanted): void
  later(task: () => Promise<unknown>): void
}

export class Asking {
  readonly #engine: Engine
  readonly #repair: Teller
  /** By device: when this one has said that it cannot read what that has said. */
  readonly #saidLost = new Map<string, readonly number[]>()
  /** Devices whose messages are not looked at for now, and what calls off that they are asked when they are. */
  readonly #postponed = new Map<string, () => void>()

  constructor(engine: Engine, repair: Teller) {
    this.#engine = engine
    this.#repair = repair
  }

  /** `again`: what was asked for before, too. */
  async ask(line: Line, name: string, again = false): Promise<void> {
    const { repairs, refusals, vault } = this.#engine
    const wanted = repairs.wanted.get(name)
    if (!wanted || !line.isOpen || (wanted.asked && !again) || this.#postpones(line, wanted)) return
    const tries = wanted.tries + 1
    if (tries > mostTries) return this.#repair.giveUp(name, wanted)
    vault.set(repairs.want(name, { ...wanted, tries, asked: false }))
    const says = { body: '', of: wanted.frame[2], says: 'ask' } as const
    const isSent = await this.#say(line, wanted, says, wanted.why !== 'no_part' || tries > 1)
    const now = repairs.wanted.get(name)
    if (!now) return
    if (!isSent) return this.#repair.giveUp(name, now)
    // Else the answer is not looked at.
    const asked = refusals.wait(nameOf(wanted.user, wanted.device)) === 0
    vault.set(repairs.want(name, { ...now, asked }))
    await vault.flush()
  }

  async askAgain(line: Line, from: Device): Promise<boolean> {
    const lost = this.#wantedOf(from)
    for (const [name] of lost) await this.ask(line, name, true)
    return lost.length > 0
  }

  /** What a device has said quietly and this one cannot read: it is told so, or asked again for what it was to say again. */
  async unheard(line: Line, from: Device): Promise<void> {
    if (this.#postpones(line, from) || (await this.askAgain(line, from))) return
    const name = nameOf(from.user, from.device)
    const now = systemClock.monotonic()
    const isRecent = (at = 0) => now - at < begunMs
    for (const [other, times] of this.#saidLost) if (!isRecent(times.at(-1))) this.#saidLost.delete(other)
    const said = this.#saidLost.get(name)?.filter(isRecent) ?? []
    // Else two that cannot read each other would say so for ever.
    if (said.length >= mostTries || this.#saidLost.size >= mostOfAll) return
    this.#saidLost.set(name, [...said, now])
    await this.#say(line, from, { body: '', says: 'lost' }, true)
  }

  answer(line: Line, task: Task): Promise<void> {
    return resend(this.#engine, line, task)
  }

  /** The connection is over: with the next all is asked that was not. */
  lost(): void {
    for (const stop of this.#postponed.values()) stop()
    this.#postponed.clear()
  }

  /** Whether nothing of that device is looked at for now. */
  #postpones(line: Line, { user, device }: Device): boolean {
    const { refusals, repairs, vault } = this.#engine
    const name = nameOf(user, device)
    const ms = refusals.wait(name)
    if (ms === 0 || this.#postponed.has(name)) return ms > 0
    // What was asked for may be answered meanwhile.
    for (const [id, wanted] of this.#wantedOf({ user, device }))
      vault.set(repairs.want(id, { ...wanted, asked: false }))
    const then = () => {
      this.#postponed.delete(name)
      this.#repair.later(() => this.unheard(line, { user, device }))
    }
    this.#postponed.set(name, systemClock.after(ms, then))
    return true
  }

  #say(line: Line, to: Device, says: Says, anew: boolean): Promise<boolean> {
    return sayQuietly(this.#engine, line, to, says, anew)
  }

  #wantedOf({ user, device }: Device): readonly (readonly [name: string, wanted: Wanted])[] {
    return [...this.#engine.repairs.wanted].filter(([, of]) => of.user === user && of.device === device)
  }
}
