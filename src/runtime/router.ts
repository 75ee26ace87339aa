/**
 * Where messages go. Whoever tells an actor something names it by its address, and holds no actor, and no host of actors: so it does
 * not matter where the actor is. Here all are on this node.
 *
 *     router.tell(toUser('bob'), { is: 'ack', session, seq: 7 })
 *     router.ask(toChat('#team'), (ticket) => ({ is: 'deliver', …, ticket }), (answer) => …)
 *     const settings = await router.query(toUser('bob'), 'settings')
 */
import type { Asks } from './asks.ts'
import type { Inspection } from './entities.ts'

declare const takes: unique symbol
declare const tells: unique symbol

/** Names an actor: what kind it is of, and its id. Its type says which messages the actor takes, and what it can be asked of what it knows. */
export type Address<Message, Known = unknown> = {
  readonly kind: string
  readonly id: string
  readonly [takes]?: (message: Message) => void
  readonly [tells]?: Known
}

/** The actors of one kind, as far as a router needs them. */
export type Actors<Message> = {
  offer(id: string, message: Message): boolean
  tell(id: string, message: Message): void
  tellIfPresent(id: string, message: Message): void
  hint(id: string, message: Message): void
  query(id: string, what: never): Promise<unknown>
  inspect(id: string): Inspection
  refuse(id: string, message: Message): void
}

/** What is told goes to its actor, wherever that is. */
export interface Routing<Answer> {
  /** From now on messages to actors of this kind that are here go there. */
  lead(kind: string, actors: Actors<never>): void
  /** For results, timers and ends, which are bounded by what was asked for: never refused. */
  tell<Message>(to: Address<Message>, message: NoInfer<Message>): void
  /** For what is of no use to an actor that is not present. */
  tellIfPresent<Message>(to: Address<Message>, message: NoInfer<Message>): void
  /** For what may be lost: taken where the actor is present, and its mailbox is nearly empty. */
  hint<Message>(to: Address<Message>, message: NoInfer<Message>): void
  /**
   * Tells an actor something that it answers. `messageOf` puts the ticket, which is where the answer goes, into the message; `answered` is
   * called once: with the answer, or where there is none in time, or the mailbox is full, with that of who is late.
   */
  ask<Message>(to: Address<Message>, messageOf: (ticket: number) => Message, answered: (answer: Answer) => void): void
  /** Answers whoever asked, where they still wait. */
  answer(ticket: number, answer: Answer): void
  /** What an actor knows at this moment. It is not woken for that, and has no turn: of one that is not present the store says it. */
  query<Known, What extends keyof Known & string>(to: Address<never, Known>, what: What): Promise<Known[What]>
  /** How it is with an actor, for those who run the node. */
  inspect(to: Address<never>): Promise<Inspection>
}

/** Of a node whose actors are all here. */
export class Router<Answer> implements Routing<Answer> {
  readonly #kinds = new Map<string, Actors<unknown>>()
  readonly #asks: Asks<Answer>

  /** `asks`: whoever asks waits there; what it answers to those that are late it answers also where a mailbox is full. */
  constructor(asks: Asks<Answer>) {
    this.#asks = asks
  }

  lead(kind: string, actors: Actors<never>): void {
    this.#kinds.set(kind, actors as Actors<unknown>)
  }

  /** Whether there are actors of a kind here. */
  leads(kind: string): boolean {
    return this.#kinds.has(kind)
  }

  tell<Message>({ kind, id }: Address<Message>, message: NoInfer<Message>): void {
    this.#of(kind).tell(id, message)
  }

  tellIfPresent<Message>({ kind, id }: Address<Message>, message: NoInfer<Message>): void {
    this.#of(kind).tellIfPresent(id, message)
  }

  hint<Message>({ kind, id }: Address<Message>, message: NoInfer<Message>): void {
    this.#of(kind).hint(id, message)
  }

  ask<Message>(
    { kind, id }: Address<Message>,
    messageOf: (ticket: number) => Message,
    answered: (answer: Answer) => void,
  ): void {
    const ticket = this.#asks.ask(answered)
    if (!this.#of(kind).offer(id, messageOf(ticket))) this.#asks.giveUp(ticket)
  }

  answer(ticket: number, answer: Answer): void {
    this.#asks.answer(ticket, answer)
  }

  query<Known, What extends keyof Known & string>(
    { kind, id }: Address<never, Known>,
    what: What,
  ): Promise<Known[What]> {
    return this.#of(kind).query(id, what as never) as Promise<Known[What]>
  }

  /** Answers whoever waits for a message that no actor here is to get. */
  refuse<Message>({ kind, id }: Address<Message>, message: NoInfer<Message>): void {
    this.#of(kind).refuse(id, message)
  }

  async inspect({ kind, id }: Address<never>): Promise<Inspection> {
    return this.#of(kind).inspect(id)
  }

  #of(kind: string): Actors<unknown> {
    const actors = this.#kinds.get(kind)
    if (!actors) throw new Error(`There are no actors of the kind ${kind}.`)
    return actors
  }
}
