/** What comes for actors that are here, of this node's sessions and of others'. */
import type { Accepted } from '../../actors/log/types.ts'
import type { Link } from '../cluster/link/link.ts'
import type { Address } from '../runtime/index.ts'
import type { ForwardingContext } from './context.ts'
import { type How, hows, inbound, isOwn, kinds, type Message, sessionOf, type ToActor } from './frames.ts'
import type { Proxies } from './proxies.ts'
import type { RefusedAsks } from './refused.ts'

type Gone = ReturnType<Proxies['lost']>[number]

const busy: Accepted = { is: 'refused', code: 'busy' }

export class Heeding {
  readonly #context: ForwardingContext
  readonly #refused: RefusedAsks

  constructor(context: ForwardingContext, refused: RefusedAsks) {
    this.#context = context
    this.#refused = refused
  }

  /** `from`: null: this node. */
  heed(from: Link | null, [kind, first, actor, id, sent]: ToActor): void {
    const { local, clock, proxies } = this.#context
    // Nodes of one cluster may have other options.
    if (!local.leads(actor)) return kind === kinds.ask ? this.#reply(from, first, busy) : undefined
    const proxy = from ? proxies.of(from, sent) : undefined
    const message = from ? inbound(sent, proxy?.ref ?? 0, clock.monotonic()) : sent
    if (proxy) proxies.note(proxy, actor, id, message)
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

  /** What came over a link is not heeded: there is too much. */
  refuse(link: Link, [kind, ticket, actor, id, message]: ToActor): void {
    const ref = this.#context.proxies.of(link, message)?.ref ?? 0
    if (kind === kinds.ask) {
      this.#refused.note(id, inbound(message, ref, 0), busy)
      link.tell([kinds.answer, ticket, busy])
    } else if (isOwn(actor, message)) link.tell([kinds.session, sessionOf(message), 'close', 'restarted'])
  }

  /** A session whose node is gone has ended, for those of its actors that are here. */
  leave(...[{ ref, user, activeAt, away }, watches, isHere]: [...Gone, (id: string) => boolean]): void {
    const { local, clock } = this.#context
    const tell = (kind: string, id: string, message: Message) =>
      isHere(id) && local.tellIfPresent<Message>({ kind, id }, message)
    for (const { kind, id } of watches.values())
      tell(kind, id, kind === 'group' ? { is: 'unwatch', session: ref } : { is: 'unwatch', watcher: ref })
    if (user === null || !isHere(user)) return
    local.tell<Message>({ kind: 'user', id: user }, { is: 'detach', session: ref })
    const device = { session: ref, activeAt, away }
    local.tell<Message>({ kind: 'presence', id: user }, { is: 'gone', device, at: clock.monotonic() })
  }
}
