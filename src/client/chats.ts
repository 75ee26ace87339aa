/** What is done with a chat as a whole: how long its messages stay, what came before, and what this user deletes of it. */
import type { UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Account } from './account.ts'
import type { Asker } from './asker.ts'
import { UsageError } from './errors.ts'
import type { Groups } from './groups.ts'
import type { Host } from './host.ts'
import type { Deletable, HistoryOptions, Incoming, Past } from './types.ts'
import { uuidv7 } from './uuid.ts'

export class Chats {
  readonly #host: Host
  readonly #asker: Asker
  readonly #account: Account
  readonly #groups: Groups

  constructor(host: Host, asker: Asker, account: Account, groups: Groups) {
    this.#host = host
    this.#asker = asker
    this.#account = account
    this.#groups = groups
  }

  async lifetime(chat: string): Promise<Lifetime> {
    if (chat.startsWith('#')) return (await this.#groups.group(chat)).lifetime
    const { lifetime, lifetimes } = await this.#account.settings()
    return lifetimes.get(chat) ?? lifetime
  }

  /** Newest last. */
  async history(chat: string, { before, limit = 100 }: HistoryOptions): Promise<readonly Past[]> {
    const ref = uuidv7()
    await this.#asker.ask(['history', ref, chat as UserId, before?.time ?? 0, before?.seq ?? 0, limit])
    const { pasts } = this.#host.session
    const page = pasts.get(ref) ?? []
    pasts.delete(ref)
    return page.reverse()
  }

  async delete(what: string | Deletable): Promise<void> {
    await this.#host.ready()
    if (typeof what === 'string') return this.#deleteAll(what)
    if ('chat' in what) return this.#deleteOne(what.chat, what)
    const { id, to, copy, state } = what
    if (state === 'queued') throw new UsageError('not_sent', 'a message can be deleted when it is sent')
    this.#host.hear({ is: 'forget', id })
    // Without a copy it is nowhere but here.
    if (copy) await this.#deleteOne(to, copy)
  }

  /** Of a log that was reset meanwhile nothing is there. */
  async #deleteOne(chat: string, { epoch, seq }: Pick<Incoming, 'epoch' | 'seq'>): Promise<void> {
    const { inbox } = this.#host.session
    // Who was never connected does not know which log there is.
    if (inbox.safe.epoch === 0) await this.#account.settings()
    if (epoch === inbox.safe.epoch) await this.#delete(chat, seq, seq)
  }

  /** What comes later stays, however late the server hears of this. */
  async #deleteAll(chat: string): Promise<void> {
    const { inbox } = this.#host.session
    // Who was never connected does not know how far the inbox goes.
    if (inbox.tail === 0) await this.#account.settings()
    this.#host.hear({ is: 'forget', chat, upTo: inbox.tail })
    if (inbox.tail > 0) await this.#delete(chat, 1, inbox.tail)
  }

  async #delete(chat: string, from: number, upTo: number): Promise<void> {
    await this.#asker.ask(['delete', chat as UserId, from, upTo])
  }
}
