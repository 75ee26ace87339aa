/**
 * The router of a node in a cluster. What is for an actor here goes to it, and the rest over a link to the node that owns its shard. What this
 * node sends for a shard keeps its order, also while the shard moves: then it is held, and goes on behind what came back.
 *
 * Nothing is sent twice: what came to a node that has not the shard comes back whole, and is sent on; of what was lost with a link nobody
 * knows whether it was heeded, and whoever waits for it is told `busy`, as whoever asks too much, and asks again.
 */
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import type { Links } from '../cluster/link/links.ts'
import type { MemberState } from '../cluster/types.ts'
import type { Sessions } from '../hosts/sessions/sessions.ts'
import type { UserId } from '../protocol/ids.ts'
import { type Address, Asks, type Clock, type Router, shardOf } from '../runtime/index.ts'
import type { Wheel } from '../runtime/wheel.ts'
import type { ShardRow } from '../store/contract.ts'
import { type Ask, type How, hows, inbound, kinds, type Message, outbound, sessionOf, type ToActor } from './frames.ts'
import { type Entry, Pause } from './pause.ts'
import { type FarSession, note, type Proxies } from './proxies.ts'
import { RefusedAsks } from './refused.ts'
import { Waiting } from './waiting.ts'

const busy: Accepted = { is: 'refused', code: 'busy' }
const late = Symbol('late')
/** Milliseconds for another node to say what an actor knows; after it the store says it. */
const knowMs = 2_000
/** Who watches is told anew so long after a move: then the sessions of those who are watched have come again. */
const watchMs = 1_000

export type ForwardingContext = {
  readonly clock: Clock
  readonly wheel: Wheel
  /** Of the actors that are here. */
  readonly local: Router<Accepted>
  readonly asks: Asks<Accepted>
  readonly shards: number
  readonly state: () => MemberState
  readonly links: () => Pick<Links, 'to'>
  readonly sessions: () => Sessions
  readonly proxies: Proxies
  /** Rows that another node tells. */
  readonly learn: (rows: readonly ShardRow[]) => void
}

export class Forwarding implements NodeRouter {
  readonly #context: ForwardingContext
  readonly #questions: Asks<unknown>
  readonly #pauses = new Map<number, Pause>()
  /** Over which link something was sent for a shard last. */
  readonly #used = new Map<number, Link>()
  /** Asks that are not answered, by their tickets: over which link they went; null: they are held. */
  readonly #open = new Map<number, Link | null>()
  readonly #refused = new RefusedAsks()
  readonly #waiting: Waiting
  readonly #moved = new Set<number>()
  #flushes = 0

  constructor(context: ForwardingContext) {
    this.#context = context
    this.#questions = new Asks<unknown>(context.wheel, knowMs, late)
    this.#waiting = new Waiting(context.wheel, ({ 4: message }) =>
      context.sessions().close(sessionOf(message), 'unavailable'),
    )
  }

  lead(...actors: Parameters<NodeRouter['lead']>): void {
    this.#context.local.lead(...actors)
  }

  tell<Message>(to: Address<Message>, message: NoInfer<Message>): void {
    this.#tell('tell', to, message)
  }

  tellIfPresent<Message>(to: Address<Message>, message: NoInfer<Message>): void {
    this.#tell('tellIfPresent', to, message)
  }

  hint<Message>(to: Address<Message>, message: NoInfer<Message>): void {
    this.#tell('hint', to, message)
  }

  #tell<Told>(how: How, to: Address<Told>, message: NoInfer<Told>): void {
    if (this.isHere(to.id)) this.#context.local[how](to, message)
    else this.#forward([kinds.tell, hows.indexOf(how), to.kind, to.id, message as unknown as Message])
  }

  ask<Asked>(to: Address<Asked>, messageOf: (ticket: number) => Asked, answered: (answer: Accepted) => void): void {
    const { local, asks } = this.#context
    if (this.isHere(to.id)) return local.ask(to, messageOf, answered)
    const message = messageOf(0) as unknown as Message
    const ticket = asks.ask((answer) => {
      this.#open.delete(ticket)
      this.#refused.note(to.id, message, answer)
      answered(answer)
    })
    this.#open.set(ticket, null)
    this.#forward([kinds.ask, ticket, to.kind, to.id, message])
  }

  answer(ticket: number, answer: Accepted): void {
    this.#context.local.answer(ticket, answer)
  }

  async query<Known, What extends keyof Known & string>(to: Address<never, Known>, what: What): Promise<Known[What]> {
    const known = await this.#question(to, what)
    return known === late ? this.#context.local.query(to, what) : ((known ?? undefined) as Known[What])
  }

  async inspect(to: Address<never>): ReturnType<NodeRouter['inspect']> {
    const known = await this.#question(to, '')
    return known === late ? this.#context.local.inspect(to) : (known as Awaited<ReturnType<NodeRouter['inspect']>>)
  }

  /** `late`: no other node says it. */
  async #question({ kind, id }: { readonly kind: string; readonly id: string }, what: string): Promise<unknown> {
    const link = this.isHere(id) ? undefined : this.#route(this.#shardOf(id))
    return link ? this.question(link, (n) => [kinds.query, n, kind, id, what]) : late
  }

  /** Asks another node; resolves with a symbol where it does not answer in time. */
  question(link: Link, frameOf: (n: number) => LinkFrame): Promise<unknown> {
    return new Promise((resolve) => {
      const n = this.#questions.ask(resolve)
      if (!link.send(frameOf(n))) this.#questions.giveUp(n)
    })
  }

  /** Whether an actor is here, and its messages go to it. */
  isHere(id: string): boolean {
    const shard = this.#shardOf(id)
    return this.#spell(shard) !== undefined && !this.#pauses.has(shard)
  }

  #shardOf(id: string): number {
    return shardOf(id, this.#context.shards)
  }

  #spell(shard: number) {
    return this.#context.state().spells.get(shard)
  }

  #route(shard: number): Link | undefined {
    const owner = this.#context.state().shards.get(shard)?.owner
    return owner === undefined ? undefined : this.#context.links().to(owner)
  }

  #forward(frame: ToActor): void {
    if (!this.#isAlive(frame)) return frame[0] === kinds.ask ? this.#context.asks.giveUp(frame[1]) : undefined
    const shard = this.#shardOf(frame[3])
    const pause = this.#pauses.get(shard)
    if (!pause) return this.#send(shard, frame)
    if (!pause.hold({ from: null, frame })) this.#refuse(frame)
  }

  #send(shard: number, frame: ToActor): void {
    if (this.#spell(shard)) return this.#heed(null, frame)
    const link = this.#route(shard)
    if (!link) return this.#stay(shard, frame)
    if (this.#used.get(shard) !== link) {
      this.#used.set(shard, link)
      // It may not know yet that it is its own.
      this.#tellRow(link, shard)
    }
    const out = outbound(frame, this.#context.clock.monotonic())
    if (out[0] === kinds.ask) return this.#sendAsk(link, out)
    if (hows[out[1]] === 'hint') link.hint(out)
    else link.tell(out)
  }

  #sendAsk(link: Link, frame: Ask): void {
    const [, ticket] = frame
    if (!link.send(frame)) return this.#context.asks.giveUp(ticket)
    // It may be too late for an answer already: what follows it must not overtake it all the same.
    if (this.#open.has(ticket)) this.#open.set(ticket, link)
  }

  /** Nobody has the shard, or there is no link to who has it: a session that comes waits for that. */
  #stay(shard: number, frame: ToActor): void {
    if (frame[4].is === 'attach') this.#waiting.add(shard, frame)
    else this.#refuse(frame)
  }

  /** It is not sent, or nobody knows what became of it. */
  #refuse(frame: ToActor): void {
    const { local, asks, sessions } = this.#context
    const [kind, ticket, actor, id, message] = frame
    if (kind === kinds.ask) return asks.giveUp(ticket)
    if (isOwn(actor, message)) return sessions().close(sessionOf(message), 'restarted')
    local.refuse({ kind: actor, id }, message as never)
  }

  /** `from`: null: this node. */
  #heed(from: Link | null, [kind, first, actor, id, sent]: ToActor): void {
    const { local, clock, proxies } = this.#context
    const proxy = from ? proxies.of(from, sent) : undefined
    const message = from ? inbound(sent, proxy?.ref ?? 0, clock.monotonic()) : sent
    if (proxy) note(proxy, actor, id, message)
    const isNobody = from && !proxy && sessionOf(sent) !== 0 && sent.is !== 'gone'
    const to: Address<Message> = { kind: actor, id }
    if (kind === kinds.tell) return isNobody ? undefined : local[hows[first] as How](to, message)
    if (isNobody || this.#refused.isBehind(id, message)) return this.#reply(from, first, busy)
    local.ask(
      to,
      (ticket) => ({ ...message, ticket }),
      (answer) => {
        if (from) this.#refused.note(id, message, answer)
        this.#reply(from, first, answer)
      },
    )
  }

  #reply(from: Link | null, ticket: number, answer: Accepted): void {
    if (from) from.tell([kinds.answer, ticket, answer])
    else this.#context.asks.answer(ticket, answer)
  }

  /** Another node says something. */
  heard(link: Link, frame: LinkFrame): void {
    const [kind, first, second] = frame
    switch (kind) {
      case kinds.tell:
      case kinds.ask:
        return this.#came(link, frame as unknown as ToActor)
      case kinds.answer:
        return this.#context.asks.answer(first as number, second as Accepted)
      case kinds.moved:
        return this.#context.learn(rowsOf(frame.slice(1) as number[]))
      case kinds.back:
        return this.#back(link, first as ToActor)
      case kinds.flush:
        return this.#flush(link, first as number, second as number)
      case kinds.flushed:
        return this.#flushed(link, first as number, second as number)
      case kinds.query:
        return void this.#know(link, frame)
      case kinds.reply:
        return this.#questions.answer(first as number, second)
      case kinds.ended:
        return this.#context.proxies.ended(link, first as number)
    }
  }

  #came(link: Link, frame: ToActor): void {
    const shard = this.#shardOf(frame[3])
    if (!this.#spell(shard)) return this.#bounce(link, shard, frame)
    const pause = this.#pauses.get(shard)
    if (!pause) return this.#heed(link, frame)
    if (!pause.hold({ from: link, frame })) this.#refuseOf(link, frame)
  }

  #bounce(link: Link, shard: number, frame: ToActor): void {
    this.#tellRow(link, shard)
    link.tell([kinds.back, frame])
  }

  #tellRow(link: Link, shard: number): void {
    const row = this.#context.state().shards.get(shard)
    if (row) link.tell([kinds.moved, row.shard, row.owner, row.term])
  }

  #refuseOf(link: Link, [kind, ticket, actor, id, message]: ToActor): void {
    const ref = this.#context.proxies.of(link, message)?.ref ?? 0
    if (kind === kinds.ask) {
      this.#refused.note(id, inbound(message, ref, 0), busy)
      link.tell([kinds.answer, ticket, busy])
    } else if (isOwn(actor, message)) link.tell([kinds.session, sessionOf(message), 'close', 'restarted'])
  }

  /** What this node sent came to one that has not the shard. */
  #back(link: Link, [kind, first, actor, id, message]: ToActor): void {
    const here = inbound(message, sessionOf(message), this.#context.clock.monotonic())
    const frame = [kind, first, actor, id, here] as unknown as ToActor
    const shard = this.#shardOf(id)
    if (kind === kinds.ask && this.#open.has(first)) this.#open.set(first, null)
    const pause = this.#pauses.get(shard)
    if (pause?.old === link) pause.back.push({ from: null, frame })
    // That node knows of no other: it would come back for ever.
    else if (!this.#spell(shard) && this.#route(shard) === link) this.#refuse(frame)
    else this.#forward(frame)
  }

  #flush(link: Link, shard: number, n: number): void {
    const pause = this.#spell(shard) && this.#pauses.get(shard)
    if (pause) pause.held.push({ from: link, flush: n })
    else link.tell([kinds.flushed, shard, n])
  }

  #flushed(link: Link, shard: number, n: number): void {
    const pause = this.#pauses.get(shard)
    if (pause?.old === link && pause.flush === n) this.#resume(shard, pause)
  }

  async #know(link: Link, [, n, kind, id, what]: LinkFrame): Promise<void> {
    const to = { kind, id } as Address<never>
    const { local } = this.#context
    const known = what === '' ? local.inspect(to) : local.query(to, what as never)
    const value = await known.catch(() => undefined)
    link.tell([kinds.reply, n, value ?? null])
  }

  /** The actors of a shard go: what comes for them is held until it is known where to. */
  pause(shard: number): void {
    if (!this.#pauses.has(shard)) this.#pauses.set(shard, new Pause(null, 0))
  }

  /** A shard is another's than was known, or has another term. */
  learned(shard: number): void {
    const pause = this.#pauses.get(shard)
    if (pause && !pause.old) return this.#resume(shard, pause)
    if (pause) return
    const [old, now] = [this.#used.get(shard), this.#route(shard)]
    if (!old?.isOpen || old === now) return this.#resume(shard, undefined)
    this.#flushes += 1
    this.#pauses.set(shard, new Pause(old, this.#flushes))
    this.#tellRow(old, shard)
    old.tell([kinds.flush, shard, this.#flushes])
  }

  /** First the sessions of its users come again, then what came back, and then what was held. */
  #resume(shard: number, pause: Pause | undefined): void {
    const spell = this.#spell(shard)
    if (pause && spell && spell.phase !== 'owned') return void this.#pauses.set(shard, pause.waiting())
    this.#pauses.delete(shard)
    if (!pause || pause.old) this.#used.delete(shard)
    this.#comeAgain(shard)
    for (const entry of pause?.all() ?? []) this.#goOn(shard, entry)
  }

  #comeAgain(shard: number): void {
    const { clock, sessions } = this.#context
    for (const frame of this.#waiting.take(shard)) this.#forward(frame)
    sessions().attachAgain(({ user }) => this.#shardOf(user as UserId) === shard, true)
    if (this.#moved.size === 0) clock.after(watchMs, () => this.#watchAgain())
    this.#moved.add(shard)
  }

  #watchAgain(): void {
    const moved = new Set(this.#moved)
    this.#moved.clear()
    this.#context.sessions().watchAgain((id) => moved.has(this.#shardOf(id)))
  }

  #goOn(shard: number, entry: Entry): void {
    if ('flush' in entry) return entry.from.tell([kinds.flushed, shard, entry.flush])
    const { from, frame } = entry
    if (from) return this.#spell(shard) ? this.#heed(from, frame) : this.#bounce(from, shard, frame)
    const isLate = frame[0] === kinds.ask && this.#refused.isBehind(frame[3], frame[4])
    if (isLate) this.#context.asks.giveUp(frame[1])
    else this.#forward(frame)
  }

  /** After its farewell nothing is sent of a session: another node would take it for a new one. */
  #isAlive({ 4: message }: ToActor): boolean {
    const ref = sessionOf(message)
    return ref === 0 || farewell.has(message.is) || this.#context.sessions().has(ref)
  }

  opened(link: Link): void {
    const { shards, me } = this.#context.state()
    const life = link.peer?.life
    const own: number[] = []
    for (const { shard, owner, term } of shards.values()) {
      if (owner === me.life) own.push(shard, owner, term)
      if (owner === life) this.#reached(shard)
    }
    if (own.length > 0) link.tell([kinds.moved, ...own])
  }

  /** There is a way to the owner of a shard. */
  #reached(shard: number): void {
    const { clock } = this.#context
    for (const frame of this.#waiting.take(shard)) this.#forward(frame)
    if (this.#moved.size === 0) clock.after(watchMs, () => this.#watchAgain())
    this.#moved.add(shard)
  }

  /** What was under way is unknown, and so is all that follows it: it is refused, in its order. */
  lost(link: Link): void {
    const { asks, sessions, proxies, state } = this.#context
    const life = link.peer?.life
    const left = [...this.#pauses].filter(([, { old }]) => old === link)
    const entries = left.flatMap(([shard, pause]) => pause.all().map((entry) => ({ shard, entry })))
    const tickets = [...this.#open].filter(([, over]) => over === link).map(([ticket]) => ticket)
    for (const [shard] of left) this.#pauses.delete(shard)
    for (const [shard, used] of this.#used) if (used === link) this.#used.delete(shard)
    const own = entries
      .filter(({ entry }) => entry.from === null)
      .map(({ entry }) => (entry as { frame: ToActor }).frame)
    const held = own.filter(({ 0: kind }) => kind === kinds.ask).map(({ 1: ticket }) => ticket)
    for (const ticket of [...tickets, ...held].sort((a, b) => a - b)) asks.giveUp(ticket)
    for (const frame of own) if (frame[0] === kinds.tell) this.#refuse(frame)
    for (const { shard, entry } of entries) if (entry.from !== null) this.#goOn(shard, entry)
    const shards = new Set(left.map(([shard]) => shard))
    const isCut = (shard: number) => shards.has(shard) || state().shards.get(shard)?.owner === life
    sessions().closeWhere(({ user }) => isCut(this.#shardOf(user as UserId)), 'restarted')
    for (const proxy of proxies.lost(link)) this.#leave(proxy)
  }

  /** A session whose node is gone has ended, for the actors here. */
  #leave({ ref, user, activeAt, away, watches }: FarSession): void {
    const { local, clock } = this.#context
    const tell = (kind: string, id: string, message: Message) =>
      this.isHere(id) && local.tellIfPresent<Message>({ kind, id }, message)
    for (const { kind, id } of watches?.values() ?? [])
      tell(kind, id, kind === 'group' ? { is: 'unwatch', session: ref } : { is: 'unwatch', watcher: ref })
    if (user === null || !this.isHere(user)) return
    local.tell<Message>({ kind: 'user', id: user }, { is: 'detach', session: ref })
    const device = { session: ref, activeAt, away }
    local.tell<Message>({ kind: 'presence', id: user }, { is: 'gone', device, at: clock.monotonic() })
  }
}

/** By these a session that has ended leaves its actors. */
const farewell = new Set(['detach', 'unwatch', 'gone'])

/** What a device tells its own user's actor: unconfirmed, only its client can repeat it. */
const own = new Set(['attach', 'ack', 'read', 'set', 'ask', 'remove', 'delete', 'history'])
const isOwn = (actor: string, message: Message): boolean => actor === 'user' && own.has(message.is)

function rowsOf(numbers: readonly number[]): ShardRow[] {
  const rows: ShardRow[] = []
  for (let n = 0; n + 2 < numbers.length; n += 3)
    rows.push({ shard: numbers[n] as number, owner: numbers[n + 1] as number, term: numbers[n + 2] as number })
  return rows
}
