/**
 * Makes good what could not be read: this device asks the one that has sent it, in a pairing that it begins for that, and gets it again.
 * Each step follows an answer, or a new connection, and none only time: so two devices that cannot read each other fall silent.
 */
import { systemClock } from '../clock.ts'
import type { Engine } from './engine.ts'
import { placeIn } from './entering.ts'
import type { Line } from './line.ts'
import type { Payload } from './payload.ts'
import { nameOf } from './peers.ts'
import type { Device, sayQuietly } from './quiet.ts'
import { begunMs, type Carrying, mostOfAll, type Sets, type Task, type Wanted } from './repairs.ts'
import type { Unread, Why } from './types.ts'

/** Times that one message is asked for. */
const mostTries = 4
/** Messages of one user that are asked for at a time: a new device may find thousands that were sent before it came, and who has sent them may never answer. */
const mostWanted = 64
/** Of these no other bytes of the same message would help. */
const final: ReadonlySet<Why> = new Set<Why>(['plaintext', 'unknown_device', 'other_suite', 'other_version'])

type Said = Parameters<typeof sayQuietly> extends [unknown, ...infer Rest] ? Rest : never

export class Repair {
  readonly #engine: Engine
  readonly #unread: (event: Unread) => void
  /** By device: when this one has said that it cannot read what that has said. */
  readonly #saidLost = new Map<string, readonly number[]>()
  /** One thing at a time is said. */
  #last: Promise<unknown> = Promise.resolve()

  readonly #woken: () => void

  /** `woken`: who waits to know a group may look again. */
  constructor(engine: Engine, unread: (event: Unread) => void, woken: () => void) {
    this.#engine = engine
    this.#unread = unread
    this.#woken = woken
  }

  /** A message that cannot be read: it is told, and asked for where that may help. */
  failed(line: Line, frame: Carrying, from: Device, why: Why): void {
    const { repairs, vault, epoch } = this.#engine
    const name = nameOf(from.user, frame[2])
    const known = repairs.wanted.get(name)
    const mayAsk = known || repairs.wantedOf(from.user) < mostWanted
    const isWanted = mayAsk && !final.has(why) && from.device !== '' && placeIn(this.#engine) === 'linked'
    if (isWanted && !known) {
      const bare = Object.assign([...frame], { 5: '' }) as unknown as Carrying
      vault.set(repairs.want(name, { ...from, frame: bare, epoch, why, tries: 0, asked: false }))
      const [oldest] = repairs.wanted
      if (oldest && repairs.wanted.size > mostOfAll) this.#giveUp(...oldest)
    }
    this.#tell({ frame, epoch, ...from }, why, isWanted)
    if (isWanted) this.later(() => this.#ask(line, name))
  }

  /** On a new connection: what is not at the server yet. */
  entered(line: Line): void {
    const { wanted, tasks } = this.#engine.repairs
    for (const name of wanted.keys()) this.later(() => this.#ask(line, name))
    for (const task of tasks.values()) this.later(() => this.#answer(line, task))
  }

  /** What a device has said quietly and this one cannot read: it is told so, or asked again for what it was to say again. */
  unheard(line: Line, from: Device): void {
    if (this.#askAgain(line, from)) return
    const name = nameOf(from.user, from.device)
    const now = systemClock.monotonic()
    const isRecent = (at = 0) => now - at < begunMs
    for (const [other, times] of this.#saidLost) if (!isRecent(times.at(-1))) this.#saidLost.delete(other)
    const said = this.#saidLost.get(name)?.filter(isRecent) ?? []
    // Else two that cannot read each other would say so for ever.
    if (said.length >= mostTries || this.#saidLost.size >= mostOfAll) return
    this.#saidLost.set(name, [...said, now])
    this.later(() => this.#say(line, from, { body: '', says: 'lost' }, true))
  }

  /** What is to be kept in the write in which something is read that a device has said, and what is to be done then. */
  heard(
    line: Line,
    from: Device,
    { says, of = '', body }: Payload,
  ): { readonly sets: Sets; readonly then: () => void } {
    const engine = this.#engine
    const { repairs, groups, user } = engine
    const name = nameOf(from.user, of)
    const wanted = repairs.wanted.get(name)
    const then = () => {
      if (says === 'ask') this.later(() => this.#answer(line, { ...from, id: of }))
      if (says === 'lost') this.#askAgain(line, from)
      if (says === 'none' && wanted) this.#tell(wanted, 'not_kept', false)
      if (says === 'roster') this.later(async () => (await engine.withGroups()).sayWho(engine, line, from, of))
      if (says === 'members') this.#woken()
    }
    if (says === 'members') {
      const by = { isOwn: from.user === user, user: from.user, name: nameOf(from.user, from.device) + of }
      return { sets: groups?.told(of, String(body), by) ?? [], then }
    }
    if (says === 'ask') return { sets: repairs.task({ ...from, id: of }), then }
    return { sets: says === 'none' ? repairs.want(name, undefined) : [], then }
  }

  /** Entries that are gone, or deleted, are wanted no more. */
  gone(chat: string | null, from: number, upTo: number): void {
    const { repairs, vault, epoch } = this.#engine
    for (const [name, { frame, epoch: of }] of repairs.wanted) {
      const isOf = chat === null || frame[3] === chat
      if (isOf && of === epoch && frame[1] >= from && frame[1] <= upTo) vault.set(repairs.want(name, undefined))
    }
  }

  #askAgain(line: Line, { user, device }: Device): boolean {
    const { wanted } = this.#engine.repairs
    const lost = [...wanted].filter(([, of]) => of.user === user && of.device === device)
    for (const [name] of lost) this.later(() => this.#ask(line, name, true))
    return lost.length > 0
  }

  /** `again`: what was asked for before, too. */
  async #ask(line: Line, name: string, again = false): Promise<void> {
    const engine = this.#engine
    const { repairs, vault } = engine
    const wanted = repairs.wanted.get(name)
    if (!wanted || !line.isOpen || (wanted.asked && !again)) return
    const tries = wanted.tries + 1
    if (tries > mostTries) return this.#giveUp(name, wanted)
    vault.set(repairs.want(name, { ...wanted, tries, asked: false }))
    const says = { body: '', of: wanted.frame[2], says: 'ask' } as const
    const isSent = await this.#say(line, wanted, says, wanted.why !== 'no_part' || tries > 1)
    const now = repairs.wanted.get(name)
    if (!now) return
    if (!isSent) return this.#giveUp(name, now)
    vault.set(repairs.want(name, { ...now, asked: true }))
    await vault.flush()
  }

  #giveUp(name: string, wanted: Wanted): void {
    const { repairs, vault } = this.#engine
    vault.set(repairs.want(name, undefined))
    this.#tell(wanted, wanted.why as Why, false)
  }

  async #say(...[line, to, says, anew]: Said): Promise<boolean> {
    const { sayQuietly } = await this.#engine.later.repairs()
    return sayQuietly(this.#engine, line, to, says, anew)
  }

  async #answer(line: Line, task: Task): Promise<void> {
    const { resend } = await this.#engine.later.repairs()
    await resend(this.#engine, line, task)
  }

  #tell({ frame, epoch, user }: Pick<Wanted, 'frame' | 'epoch' | 'user'>, why: Why, retrying: boolean): void {
    const [kind, seq, id, other, time] = frame
    const chat = kind === 'copy' ? other : (frame[7]?.group ?? other)
    this.#unread({ id, chat, from: user, why, retrying, time, epoch, seq })
  }

  /** One thing after another. Ends with the connection, and is done again with the next. */
  later(task: () => Promise<unknown>): void {
    this.#last = this.#last.then(task).catch(() => {})
  }
}
