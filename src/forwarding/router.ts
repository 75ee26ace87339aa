/**
 * The router of a node in a cluster. What is for an actor here goes to it, and the rest over a link to the node that owns its shard. What this
 * node sends for a shard keeps its order, also while the shard moves (`moves.ts`).
 *
 * Nothing is sent twice: what came to a node that has not the shard comes back whole, and is sent on; of what was lost with a link nobody
 * knows whether it was heeded, and whoever waits for it is told `busy`, as whoever asks too much, and asks again.
 */
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import type { UserId } from '../protocol/ids.ts'
import type { Address } from '../runtime/index.ts'
import { Activity } from './activity.ts'
import type { ForwardingContext } from './context.ts'
import { asksIn, type How, hows, kinds, type Message, type ToActor } from './frames.ts'
import { Heeding } from './heeding.ts'
import { Moves } from './moves.ts'
import { late, Questions } from './questions.ts'
import { RefusedAsks } from './refused.ts'
import { Sending } from './sending.ts'
import { rowsOf, Ways } from './ways.ts'

export class Forwarding implements NodeRouter {
  readonly #context: ForwardingContext
  readonly #ways: Ways
  readonly #questions: Questions
  readonly #sending: Sending
  readonly #heeding: Heeding
  readonly #moves: Moves
  readonly #activity: Activity

  constructor(context: ForwardingContext) {
    this.#context = context
    const refused = new RefusedAsks()
    this.#ways = new Ways(context)
    this.#questions = new Questions(context)
    this.#sending = new Sending(context, this.#ways, refused)
    this.#heeding = new Heeding(context, refused)
    this.#moves = new Moves(context, { ways: this.#ways, sending: this.#sending, heeding: this.#heeding, refused })
    this.#activity = new Activity(context.wheel, (frame) => this.#moves.forward(frame))
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
    if (this.isHere(to.id)) return this.#context.local[how](to, message)
    const frame = [kinds.tell, hows.indexOf(how), to.kind, to.id, message as unknown as Message] as const
    if (to.kind === 'presence') this.#activity.forward(frame)
    else this.#moves.forward(frame)
  }

  ask<Asked>(to: Address<Asked>, messageOf: (ticket: number) => Asked, answered: (answer: Accepted) => void): void {
    if (this.isHere(to.id)) return this.#context.local.ask(to, messageOf, answered)
    const message = messageOf(0) as unknown as Message
    const ticket = this.#sending.ticket(to.id, message, answered)
    this.#moves.forward([kinds.ask, ticket, to.kind, to.id, message])
  }

  answer(ticket: number, answer: Accepted): void {
    this.#context.local.answer(ticket, answer)
  }

  async query<Known, What extends keyof Known & string>(to: Address<never, Known>, what: What): Promise<Known[What]> {
    if (this.isHere(to.id)) return this.#questions.own(to, what)
    const known = await this.#know(to, what)
    return known === late ? this.#context.local.query(to, what) : ((known ?? undefined) as Known[What])
  }

  async inspect(to: Address<never>): ReturnType<NodeRouter['inspect']> {
    const known = await this.#know(to, '')
    return known === late ? this.#context.local.inspect(to) : (known as Awaited<ReturnType<NodeRouter['inspect']>>)
  }

  async #know(to: Address<never>, what: string): Promise<unknown> {
    const link = this.isHere(to.id) ? undefined : this.#ways.to(this.#ways.shardOf(to.id))
    return link ? this.#questions.know(link, to, what) : late
  }

  /** Asks another node; resolves with a symbol where it does not answer in time. */
  question(link: Link, frameOf: (n: number) => LinkFrame): Promise<unknown> {
    return this.#questions.ask(link, frameOf)
  }

  /** Whether an actor is here, and its messages go to it. */
  isHere(id: string): boolean {
    const shard = this.#ways.shardOf(id)
    return this.#ways.spell(shard) !== undefined && !this.#moves.isPaused(shard)
  }

  /** Another node says something. */
  heard(link: Link, frame: LinkFrame): void {
    const [kind, first, second] = frame
    switch (kind) {
      case kinds.tell:
      case kinds.ask:
        return this.#moves.came(link, frame as unknown as ToActor)
      case kinds.copies:
        for (const ask of asksIn(frame)) this.#moves.came(link, ask)
        return
      case kinds.answer:
        return this.#context.asks.answer(first as number, second as Accepted)
      case kinds.moved:
        return this.#context.learn(rowsOf(frame.slice(1) as number[]))
      case kinds.back:
        return this.#moves.back(link, first as ToActor)
      case kinds.flush:
        return this.#moves.flush(link, first as number, second as number)
      case kinds.flushed:
        return this.#moves.flushed(link, first as number, second as number)
      case kinds.query:
        return void this.#questions.answer(link, frame)
      case kinds.reply:
        return this.#questions.answered(first as number, second)
      case kinds.ended:
        return this.#context.proxies.ended(link, first as number)
    }
  }

  /** The actors of a shard go: what comes for them is held until it is known where to. */
  pause(shard: number): void {
    this.#moves.pause(shard)
  }

  /** A shard is another's than was known, or has another term. */
  learned(shard: number): void {
    this.#activity.anew()
    this.#moves.learned(shard)
  }

  opened(link: Link): void {
    const { shards, me } = this.#context.state()
    const life = link.peer?.life
    const own: number[] = []
    for (const { shard, owner, term } of shards.values()) {
      if (owner === me.life) own.push(shard, owner, term)
      if (owner === life) this.#moves.reached(shard)
    }
    if (own.length > 0) link.tell([kinds.moved, ...own])
  }

  /** Sessions whose user's actor was there come back, and theirs that were known here have gone. */
  lost(link: Link): void {
    const { sessions, proxies } = this.#context
    const life = link.peer?.life
    const left = this.#moves.lost(link)
    const isCut = (shard: number) => left.has(shard) || this.#ways.row(shard)?.owner === life
    sessions().closeWhere(({ user }) => isCut(this.#ways.shardOf(user as UserId)), 'restarted')
    for (const [proxy, watches] of proxies.lost(link)) this.#heeding.leave(proxy, watches, (id) => this.isHere(id))
  }
}
