/** What this node sends to actors of other nodes, and what comes of it where it cannot be sent. */
import type { Accepted } from '../../actors/log/types.ts'
import type { Link } from '../cluster/link/link.ts'
import type { ForwardingContext } from './context.ts'
import { type Ask, copyIn, hows, isOwn, kinds, type Message, outbound, sessionOf, type ToActor } from './frames.ts'
import type { RefusedAsks } from './refused.ts'
import { Waiting } from './waiting.ts'
import type { Ways } from './ways.ts'

export class Sending {
  readonly #context: ForwardingContext
  readonly #ways: Ways
  readonly #refused: RefusedAsks
  /** Asks that are not answered, by their tickets: over which link they went; null: they are held. */
  readonly #open = new Map<number, Link | null>()
  readonly #waiting: Waiting

  constructor(context: ForwardingContext, ways: Ways, refused: RefusedAsks) {
    this.#context = context
    this.#ways = ways
    this.#refused = refused
    this.#waiting = new Waiting(context.wheel, ({ 4: message }) =>
      context.sessions().close(sessionOf(message), 'unavailable'),
    )
  }

  /** A ticket for an ask that is about to be sent. */
  ticket(id: string, message: Message, answered: (answer: Accepted) => void): number {
    const ticket = this.#context.asks.ask((answer) => {
      this.#open.delete(ticket)
      this.#refused.note(id, message, answer)
      answered(answer)
    })
    this.#open.set(ticket, null)
    return ticket
  }

  /** To the node that has the shard, which is another one. */
  send(shard: number, frame: ToActor): void {
    const link = this.#ways.to(shard)
    if (!link) return this.#stay(shard, frame)
    this.#ways.use(shard, link)
    const out = outbound(frame, this.#context.clock.monotonic())
    if (out[0] === kinds.ask) return this.#sendAsk(link, out)
    if (hows[out[1]] === 'hint') link.hint(out)
    else link.tell(out)
  }

  #sendAsk(link: Link, frame: Ask): void {
    const [, ticket] = frame
    const copy = copyIn(frame)
    if (!(copy ? link.join(...copy) : link.send(frame))) return this.#context.asks.giveUp(ticket)
    // It may be too late for an answer already: what follows it must not overtake it all the same.
    if (this.#open.has(ticket)) this.#open.set(ticket, link)
  }

  /** Nobody has the shard, or there is no link to who has it: a session that comes waits for that. */
  #stay(shard: number, frame: ToActor): void {
    if (frame[4].is === 'attach') this.#waiting.add(shard, frame)
    else this.refuse(frame)
  }

  /** Those who have waited for the owner of a shard. */
  waited(shard: number): readonly ToActor[] {
    return this.#waiting.take(shard)
  }

  /** It is not sent, or nobody knows what became of it. */
  refuse(frame: ToActor): void {
    const { local, asks, sessions } = this.#context
    const [kind, ticket, actor, id, message] = frame
    if (kind === kinds.ask) return asks.giveUp(ticket)
    if (isOwn(actor, message)) return sessions().close(sessionOf(message), 'restarted')
    local.refuse({ kind: actor, id }, message as never)
  }

  /** An ask came back. */
  returned(ticket: number): void {
    if (this.#open.has(ticket)) this.#open.set(ticket, null)
  }

  /** Asks that went over a link, by their tickets. */
  over(link: Link): readonly number[] {
    return [...this.#open].filter(([, over]) => over === link).map(([ticket]) => ticket)
  }
}
