/** What a node asks another that changes nothing: what an actor knows, and what there is of sessions. */
import type { LinkFrame } from '../cluster/link/batch.ts'
import type { Link } from '../cluster/link/link.ts'
import type { ChatId } from '../protocol/ids.ts'
import { type Address, Asks } from '../runtime/index.ts'
import type { ForwardingContext } from './context.ts'
import { kinds } from './frames.ts'

/** It was not answered: the other node does not say it in time. */
export const late = Symbol('late')
/** Milliseconds for another node to say what an actor knows; after it the store says it. */
const knowMs = 2_000

export class Questions {
  readonly #context: ForwardingContext
  readonly #asks: Asks<unknown>

  constructor(context: ForwardingContext) {
    this.#context = context
    this.#asks = new Asks<unknown>(context.wheel, knowMs, late)
  }

  /** Resolves with `late` where the other node does not answer in time. */
  ask(link: Link, frameOf: (n: number) => LinkFrame): Promise<unknown> {
    return new Promise((resolve) => {
      const n = this.#asks.ask(resolve)
      if (!link.send(frameOf(n))) this.#asks.giveUp(n)
    })
  }

  /** What an actor of another node knows; of an empty `what` all that operators may see. */
  know(link: Link, { kind, id }: { readonly kind: string; readonly id: string }, what: string): Promise<unknown> {
    return this.ask(link, (n) => [kinds.query, n, kind, id, what])
  }

  answered(n: number, value: unknown): void {
    this.#asks.answer(n, value)
  }

  /** What an actor here knows, once it counts: another node may have it by now. */
  async own<Known, What extends keyof Known & string>(to: Address<never, Known>, what: What): Promise<Known[What]> {
    const known = await this.#context.local.query(to, what)
    await this.#context.still(to.id as ChatId)
    return known
  }

  /** Another node asks what an actor here knows. What could not be found out, or is more than a link takes, is not answered: it is not nothing. */
  async answer(link: Link, [, n, kind, id, what]: LinkFrame): Promise<void> {
    const to = { kind, id } as Address<never>
    const known: Promise<unknown> = what === '' ? this.#context.local.inspect(to) : this.own(to, what as never)
    await known.then((value) => link.tell([kinds.reply, n, value ?? null])).catch(() => undefined)
  }
}
