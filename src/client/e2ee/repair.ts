/**
 * Makes good what could not be read: this device asks the one that has sent it, in a pairing that it begins for that, and gets it again.
 * Each step follows an answer, or a new connection, and none only time: so two devices that cannot read each other fall silent.
 */
import { systemClock } from '../clock.ts'
import type { Asking } from './asking.ts'
import type { Engine } from './engine.ts'
import { placeIn } from './entering.ts'
import { shownIn } from './frame.ts'
import type { Line } from './line.ts'
import type { Payload } from './payload.ts'
import { nameOf } from './peers.ts'
import type { Device } from './quiet.ts'
import { type Carrying, mostOfAll, type Sets, type Wanted } from './repairs.ts'
import type { Place, Unread, Why } from './types.ts'

/** Messages of one user that are asked for at a time: a new device may find thousands that were sent before it came, and who has sent them may never answer. */
const mostWanted = 64
/** Of these no other bytes of the same message would help. */
const final: ReadonlySet<Why> = new Set<Why>(['plaintext', 'unknown_device', 'other_suite', 'other_version'])

export class Repair {
  readonly #engine: Engine
  readonly #unread: (event: Unread) => void
  readonly #place: () => Promise<Place>
  readonly #woken: () => void
  #asking: Asking | undefined
  /** One thing at a time is said. */
  #last: Promise<unknown> = Promise.resolve()

  /** `woken`: who waits to know a group may look again. */
  constructor(engine: Engine, unread: (event: Unread) => void, place: () => Promise<Place>, woken: () => void) {
    this.#engine = engine
    this.#unread = unread
    this.#place = place
    this.#woken = woken
  }

  /** A message that cannot be read: it is told, and asked for where that may help. */
  async failed(line: Line, frame: Carrying, from: Device, why: Why): Promise<void> {
    const isFinal = final.has(why) || from.device === ''
    // Messages come before it is known where this device stands.
    if (!isFinal) await this.#place().catch(() => {})
    const { repairs, vault, epoch } = this.#engine
    const name = nameOf(from.user, frame[2])
    const known = repairs.wanted.get(name)
    const mayAsk = known || repairs.wantedOf(from.user) < mostWanted
    const isWanted = mayAsk && !isFinal && placeIn(this.#engine) === 'linked'
    if (isWanted && !known) {
      const bare = Object.assign([...frame], { 5: '' }) as unknown as Carrying
      const wanted = { ...from, frame: bare, epoch, why, tries: 0, asked: false, at: systemClock.now() }
      vault.set(repairs.want(name, wanted))
      const [oldest] = repairs.wanted
      if (oldest && repairs.wanted.size > mostOfAll) this.giveUp(...oldest)
    }
    this.#tell({ frame, epoch, ...from }, why, isWanted)
    if (isWanted) this.#do((asking) => asking.ask(line, name))
  }

  /** On a new connection: what is not at the server yet. */
  entered(line: Line): void {
    const { wanted, tasks } = this.#engine.repairs
    for (const name of wanted.keys()) this.#do((asking) => asking.ask(line, name))
    for (const task of tasks.values()) this.#do((asking) => asking.answer(line, task))
  }

  /** What a device has said quietly and this one cannot read. */
  unheard(line: Line, from: Device): void {
    this.#do((asking) => asking.unheard(line, from))
  }

  lost(): void {
    this.#asking?.lost()
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
      if (says === 'ask') this.#do((asking) => asking.answer(line, { ...from, id: of }))
      if (says === 'lost') this.#do((asking) => asking.askAgain(line, from))
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
      const isOf = chat === null || shownIn(frame) === chat
      if (isOf && of === epoch && frame[1] >= from && frame[1] <= upTo) vault.set(repairs.want(name, undefined))
    }
  }

  giveUp(name: string, wanted: Wanted): void {
    const { repairs, vault } = this.#engine
    vault.set(repairs.want(name, undefined))
    this.#tell(wanted, wanted.why as Why, false)
  }

  #tell({ frame, epoch, user }: Pick<Wanted, 'frame' | 'epoch' | 'user'>, why: Why, retrying: boolean): void {
    const [, seq, id, , time] = frame
    this.#unread({ id, chat: shownIn(frame), from: user, why, retrying, time, epoch, seq })
  }

  /** One thing after another. Ends with the connection, and is done again with the next. */
  later(task: () => Promise<unknown>): void {
    this.#last = this.#last.then(task).catch(() => {})
  }

  /** Where its code cannot be loaded, nothing has come of it: it is done with the next connection. */
  #do(task: (asking: Asking) => Promise<unknown>): void {
    this.later(async () => {
      const { Asking } = await this.#engine.later.repairs()
      this.#asking ??= new Asking(this.#engine, this)
      await task(this.#asking)
    })
  }
}
