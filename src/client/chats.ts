/** What is done with a chat as a whole: how long its messages stay, what came before, and what this user deletes of it. */
import type { UserId } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import type { Account } from './account.ts'
import type { Asker } from './asker.ts'
import { UsageError } from './errors.ts'
import type { Groups } from './groups.ts'
import type { Host } from './host.ts'
import { attachment } from './session/attachment.ts'
import type { Of } from './session/frames.ts'
import { tagsOf } from './session/settings.ts'
import type { ChatInfo, Deletable, HistoryOptions, Incoming, Past } from './types.ts'
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
    const [time, seq] = [before?.time ?? 0, before?.seq ?? 0]
    const page = await this.#asker.ask(['history', uuidv7(), chat as UserId, time, seq, limit])
    return page.map((frame) => this.#past(chat, frame as Of<'past'>)).reverse()
  }

  #past(chat: string, [, , seq, id, from, time, body, media, epoch, position, place, changed]: Of<'past'>): Past {
    const [change, at] = [place?.change ?? changed, position > 0 ? { epoch, seq: position } : null]
    return { id, chat, from, body, media: attachment(media), change, time, at, epoch: this.#epoch, seq }
  }

  /** The newest first. */
  async all(): Promise<readonly ChatInfo[]> {
    const listed = await this.#asker.ask(['ask', 'chats'])
    return listed.map((frame) => {
      const [, id, seq, time, unread, read, lifetime, tags] = frame as Of<'chat'>
      return { id, epoch: this.#epoch, seq, time, unread, read, lifetime, tags: tagsOf(tags) }
    })
  }

  /** Of this user's inbox. */
  get #epoch(): number {
    return this.#host.session.inbox.safe.epoch
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
