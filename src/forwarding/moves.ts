/**
 * What is for the actors of a shard while that moves. What this node sends for a shard keeps its order: it is held until it is known where
 * to, and goes on behind what came back.
 */
import type { Link } from '../cluster/link/link.ts'
import type { Millis, UserId } from '../protocol/ids.ts'
import type { ForwardingContext } from './context.ts'
import { delayed, farewell, inbound, kinds, sessionOf, type ToActor } from './frames.ts'
import type { Heeding } from './heeding.ts'
import { type Entry, Pause } from './pause.ts'
import type { RefusedAsks } from './refused.ts'
import type { Sending } from './sending.ts'
import type { Ways } from './ways.ts'

/** Who watches is told anew so long after a move: then the sessions of those who are watched have come again. */
const watchMs = 1_000

type With = {
  readonly ways: Ways
  readonly sending: Sending
  readonly heeding: Heeding
  readonly refused: RefusedAsks
}

export class Moves {
  readonly #context: ForwardingContext
  readonly #with: With
  readonly #ways: Ways
  readonly #pauses = new Map<number, Pause>()
  readonly #moved = new Set<number>()
  #flushes = 0

  constructor(context: ForwardingContext, parts: With) {
    this.#context = context
    this.#with = parts
    this.#ways = parts.ways
  }

  get #now(): Millis {
    return this.#context.clock.monotonic()
  }

  isPaused(shard: number): boolean {
    return this.#pauses.has(shard)
  }

  /** Something of this node is for an actor that is not here, or must wait. */
  forward(frame: ToActor): void {
    if (!this.#isAlive(frame)) return frame[0] === kinds.ask ? this.#context.asks.giveUp(frame[1]) : undefined
    const shard = this.#ways.shardOf(frame[3])
    const pause = this.#pauses.get(shard)
    if (!pause) return this.#send(shard, frame)
    if (!pause.hold({ from: null, frame })) this.#with.sending.refuse(frame)
  }

  /** After its farewell nothing is sent of a session: another node would take it for a new one. */
  #isAlive({ 4: message }: ToActor): boolean {
    const ref = sessionOf(message)
    return ref === 0 || farewell.has(message.is) || this.#context.sessions().has(ref)
  }

  #send(shard: number, frame: ToActor): void {
    if (this.#ways.spell(shard)) this.#with.heeding.heed(null, frame)
    else this.#with.sending.send(shard, frame)
  }

  /** Something came over a link. */
  came(link: Link, frame: ToActor): void {
    const shard = this.#ways.shardOf(frame[3])
    if (!this.#ways.spell(shard)) return this.#bounce(link, shard, frame)
    const pause = this.#pauses.get(shard)
    if (!pause) return this.#with.heeding.heed(link, frame)
    if (!pause.hold({ from: link, frame })) this.#with.heeding.refuse(link, frame)
  }

  #bounce(link: Link, shard: number, frame: ToActor): void {
    this.#ways.tellRow(link, shard)
    link.tell([kinds.back, frame])
  }

  /** What this node sent came to one that has not the shard. */
  back(link: Link, [kind, first, actor, id, message]: ToActor): void {
    const here = inbound(message, sessionOf(message), this.#now)
    const frame = delayed([kind, first, actor, id, here] as unknown as ToActor)
    const shard = this.#ways.shardOf(id)
    if (kind === kinds.ask) this.#with.sending.returned(first)
    const pause = this.#pauses.get(shard)
    if (pause?.old === link) pause.back.push({ from: null, frame })
    // That node knows of no other: it would come back for ever.
    else if (!this.#ways.spell(shard) && this.#ways.to(shard) === link) this.#with.sending.refuse(frame)
    else this.forward(frame)
  }

  /** Another node sends no more of a shard to this one. */
  flush(link: Link, shard: number, n: number): void {
    const pause = this.#ways.spell(shard) && this.#pauses.get(shard)
    if (pause) pause.held.push({ from: link, flush: n })
    else link.tell([kinds.flushed, shard, n])
  }

  /** All that had to come back of it has. */
  flushed(link: Link, shard: number, n: number): void {
    const pause = this.#pauses.get(shard)
    if (pause?.old === link && pause.flush === n) this.#resume(shard, pause)
  }

  /** The actors of a shard go: what comes for them is held until it is known where to. */
  pause(shard: number): void {
    if (!this.#pauses.has(shard)) this.#pauses.set(shard, new Pause(this.#now, null, 0))
  }

  /** A shard is another's than was known, or has another term. */
  learned(shard: number): void {
    const pause = this.#pauses.get(shard)
    if (pause && !pause.old) return this.#resume(shard, pause)
    if (pause) return
    const [old, now] = [this.#ways.used(shard), this.#ways.to(shard)]
    if (!old?.isOpen || old === now) return this.#resume(shard, undefined)
    this.#flushes += 1
    this.#pauses.set(shard, new Pause(this.#now, old, this.#flushes))
    this.#ways.tellRow(old, shard)
    old.tell([kinds.flush, shard, this.#flushes])
  }

  /** First the sessions of its users come again, then what came back, and then what was held. */
  #resume(shard: number, pause: Pause | undefined): void {
    const spell = this.#ways.spell(shard)
    if (pause && spell && spell.phase !== 'owned') return void this.#pauses.set(shard, pause.waiting())
    this.#pauses.delete(shard)
    if (pause && !pause.old && !spell) this.#context.stills.add(this.#now - pause.since)
    if (!pause || pause.old) this.#ways.unuse(shard)
    this.reached(shard)
    this.#context.sessions().attachAgain(({ user }) => this.#ways.shardOf(user as UserId) === shard, true)
    for (const entry of pause?.all() ?? []) this.#goOn(shard, entry)
  }

  /** There is a way to the owner of a shard. */
  reached(shard: number): void {
    for (const frame of this.#with.sending.waited(shard)) this.forward(frame)
    if (this.#moved.size === 0) this.#context.clock.after(watchMs, () => this.#watchAgain())
    this.#moved.add(shard)
  }

  #watchAgain(): void {
    const moved = new Set(this.#moved)
    this.#moved.clear()
    this.#context.sessions().watchAgain((id) => moved.has(this.#ways.shardOf(id)))
  }

  #goOn(shard: number, entry: Entry): void {
    if ('flush' in entry) return entry.from.tell([kinds.flushed, shard, entry.flush])
    const { from } = entry
    const frame = delayed(entry.frame)
    if (from) return this.#ways.spell(shard) ? this.#with.heeding.heed(from, frame) : this.#bounce(from, shard, frame)
    const isLate = frame[0] === kinds.ask && this.#with.refused.isBehind(frame[3], frame[4])
    if (isLate) this.#context.asks.giveUp(frame[1])
    else this.forward(frame)
  }

  /**
   * A link is lost. What was under way is unknown, and so is all that follows it: it is refused, in its order. Answers the shards of which
   * that node was asked for what it had not heeded.
   */
  lost(link: Link): ReadonlySet<number> {
    const left = [...this.#pauses].filter(([, { old }]) => old === link)
    for (const [shard] of left) this.#pauses.delete(shard)
    this.#ways.lost(link)
    const entries = left.flatMap(([shard, pause]) => pause.all().map((entry) => ({ shard, entry })))
    const own = entries.flatMap(({ entry }) => (entry.from || 'flush' in entry ? [] : [entry.frame]))
    const held = own.filter(({ 0: kind }) => kind === kinds.ask).map(({ 1: ticket }) => ticket)
    const tickets = [...this.#with.sending.over(link), ...held].sort((a, b) => a - b)
    for (const ticket of tickets) this.#context.asks.giveUp(ticket)
    for (const frame of own) if (frame[0] === kinds.tell) this.#with.sending.refuse(frame)
    for (const { shard, entry } of entries) if (entry.from !== null) this.#goOn(shard, entry)
    return new Set(left.map(([shard]) => shard))
  }
}
