/**
 * A user's chats as the server has them, kept as they become: asked for once, and then told by what comes. Asked for again only where that
 * does not say it: after a gap, a deletion, or a read that ends among messages of which only the number is known. The answer is true for
 * the moment at which it comes, so it replaces what was known.
 */
import type { Lifetime } from '../../protocol/lifetime.ts'
import type { Client } from '../client.ts'
import { Listeners } from '../listeners.ts'
import type { ChatInfo, ClientEvents, Outgoing, Settings } from '../types.ts'
import { isGroup } from './line.ts'

/** `listed`: the newest message when the server was asked; `fresh`: what came since, of others, of which the first `read` are read. */
type Known = { readonly info: ChatInfo; readonly listed: number; readonly fresh: number[]; readonly read: number }
/** Where a message stands in this user's inbox, and what it changes. */
type Newest = { readonly seq: number; readonly time: number; readonly lifetime: Lifetime | undefined }

/** The chats, and each time that something of them changes the list anew: `for await (const all of chats)`. */
export class LiveChats implements AsyncIterable<readonly ChatInfo[]> {
  readonly #client: Client
  readonly #chats = new Map<string, Known>()
  readonly #listeners = new Listeners<{ readonly chats: readonly ChatInfo[] }>()
  readonly #ends: (() => void)[] = []
  #all: readonly ChatInfo[] = []
  #settings: Settings | undefined
  #epoch = 0
  #asking: Promise<void> | undefined
  /** Asks again when what is asked is answered: it may have been asked too early. */
  #again = false
  /** What has come since the server was asked: it may have come behind the answer, before that was taken. */
  #meanwhile: (() => void)[] = []
  #over = false

  static async open(client: Client): Promise<LiveChats> {
    const chats = new LiveChats(client)
    await chats.refresh().catch((error) => {
      chats.close()
      throw error
    })
    return chats
  }

  private constructor(client: Client) {
    this.#client = client
    const ask = () => void this.refresh().catch(() => undefined)
    this.#take('arrived', (message) => this.#arrived(message))
    for (const name of ['message', 'placed'] as const) this.#take(name, (message) => this.#sent(message))
    this.#take('seen', (seen) => this.#seen(seen))
    this.#take('settings', (settings) => this.#agree(settings))
    this.#hear('gap', ask)
    this.#hear('gone', ask)
    this.#hear('connection', ({ is }) => is === 'closed' && this.close())
  }

  #hear<Name extends keyof ClientEvents>(name: Name, take: (event: ClientEvents[Name]) => void): void {
    this.#ends.push(this.#client.on(name, take))
  }

  #take<Name extends keyof ClientEvents>(name: Name, take: (event: ClientEvents[Name]) => void): void {
    this.#hear(name, (event) => {
      if (this.#asking) this.#meanwhile.push(() => take(event))
      take(event)
    })
  }

  /** The newest first. The same list until something of it changes. */
  get all(): readonly ChatInfo[] {
    return this.#all
  }

  /** Listens until the answer is called. */
  on(name: 'chats', listener: (all: readonly ChatInfo[]) => void): () => void {
    return this.#listeners.add(name, listener)
  }

  /** Asks the server again, as after a deletion by this device. Waits while offline; rejects with a ClosedError. */
  refresh(): Promise<void> {
    if (this.#asking) this.#again = true
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    do {
      this.#again = false
      this.#meanwhile = []
      const [listed, settings] = await Promise.all([this.#client.chats(), this.#client.settings()])
      this.#settings = settings
      this.#chats.clear()
      for (const info of listed) this.#chats.set(info.id, { info, listed: info.seq, fresh: [], read: 0 })
      this.#epoch = listed[0]?.epoch ?? 0
      // What is in the answer changes nothing any more.
      for (const take of this.#meanwhile.splice(0)) take()
      this.#tell()
    } while (this.#again && !this.#over)
  }

  /** Ends it; the client is closed by itself. */
  close(): void {
    this.#over = true
    for (const end of this.#ends.splice(0)) end()
    this.#listeners.tell('chats', this.#all)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ChatInfo[], undefined> {
    for (let last: unknown; ; ) {
      if (this.#all !== last) {
        last = this.#all
        yield this.#all
      } else if (this.#over) return undefined
      else
        await new Promise<void>((resolve) => {
          const end = this.on('chats', () => {
            end()
            resolve()
          })
        })
    }
  }

  #arrived({ chat, epoch, seq, time, from, body, change, lifetime }: ClientEvents['arrived']): void {
    const { connection } = this.#client
    const counts = !change && !(connection.is === 'online' && connection.user === from)
    this.#put(chat, epoch, { seq, time, lifetime: change === 'lifetime' ? (body as Lifetime) : lifetime }, counts)
  }

  /** Of own messages those that have a copy in the inbox. */
  #sent({ to, copy, time, body, change, lifetime }: Outgoing): void {
    if (!copy) return
    const after = change === 'lifetime' ? (body as Lifetime) : lifetime
    this.#put(to, copy.epoch, { seq: copy.seq, time, lifetime: after }, false)
  }

  #put(id: string, epoch: number, { seq, time, lifetime }: Newest, counts: boolean): void {
    const known = this.#chats.get(id)
    if (this.#chats.size === 0) this.#epoch = epoch
    if (epoch !== this.#epoch || (known && seq <= known.info.seq)) return
    const before = known?.info ?? { id, unread: 0, read: 0, tags: this.#settings?.tags.get(id) ?? {} }
    const stays = isGroup(id) ? (lifetime ?? 'default') : this.#lifetimeOf(id)
    const info = { ...before, epoch, seq, time, lifetime: stays, unread: before.unread + (counts ? 1 : 0) }
    const rest = known ?? { listed: 0, fresh: [] as number[], read: 0 }
    if (counts) rest.fresh.push(seq)
    this.#chats.set(id, { ...rest, info })
    this.#tell()
  }

  #seen({ chat, epoch, seq }: ClientEvents['seen']): void {
    const known = this.#chats.get(chat)
    if (!known || epoch !== this.#epoch || seq <= known.info.read) return
    let { info, listed, fresh, read } = known
    while ((fresh[read] ?? seq + 1) <= seq) read++
    // No more are moved than were read since the last time.
    if (read * 2 > fresh.length) {
      fresh = fresh.slice(read)
      read = 0
    }
    const { unread } = info
    info = { ...info, read: seq, unread: seq < listed ? unread : fresh.length - read }
    this.#chats.set(chat, { info, listed, fresh, read })
    this.#tell()
    if (seq < listed && unread > 0) void this.refresh().catch(() => undefined)
  }

  /** What this user has chosen for a chat. */
  #agree(settings: Settings): void {
    this.#settings = settings
    for (const [id, known] of this.#chats) {
      const lifetime = isGroup(id) ? known.info.lifetime : this.#lifetimeOf(id)
      this.#chats.set(id, { ...known, info: { ...known.info, lifetime, tags: settings.tags.get(id) ?? {} } })
    }
    this.#tell()
  }

  #lifetimeOf(id: string): Lifetime {
    return this.#settings?.lifetimes.get(id) ?? this.#settings?.lifetime ?? 'default'
  }

  #tell(): void {
    const all = [...this.#chats.values()].map(({ info }) => info).sort((a, b) => b.seq - a.seq)
    if (JSON.stringify(all) === JSON.stringify(this.#all)) return
    this.#all = all
    this.#listeners.tell('chats', all)
  }
}
