/** The chats as this device has them: what comes is kept before it is shown, and what has vanished or is deleted leaves by itself. */
import type { Client } from '../client.ts'
import type { E2eeEvents, Unread } from '../e2ee/types.ts'
import { UsageError } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import type { ClientEvents, Incoming, Outgoing, Settings } from '../types.ts'
import { agreed, isAgreed, nextUnmuted } from './agreed.ts'
import { type Chat, type Choice, newChat, newestTime, shown, sorted, untold } from './chat.ts'
import { covers, fromMe, isGroup, type Line, otherKeys, otherList, toMe, unread } from './line.ts'
import { type Kept, Log } from './log.ts'
import { Past } from './past.ts'
import type { Shelf } from './shelf.ts'

/** Own messages that are kept together. */
const ownAtOnce = 256
/** The longest that a timer can wait. */
const longestMs = 2 ** 31 - 1

/** What a book tells when what it keeps has changed. */
export type BookEvents = {
  /** Lines are new, or have become something else. */
  lines: readonly Line[]
  /** Lines are gone. */
  gone: readonly Line[]
  /** What this user has deleted on another device, by its places in the inbox: also of lines that were never kept. See `deleted`. */
  erased: ClientEvents['gone']
  /** `all` has become this. */
  chats: readonly Chat[]
}

/** The chats of one user on this device, with what was written in them. Made by `openBook`. */
export class Book {
  readonly #client: Client
  readonly #me: string
  readonly #log: Log
  readonly #batches: AsyncGenerator<Batch>
  readonly #chats = new Map<string, Chat>()
  readonly #listeners = new Listeners<BookEvents>()
  readonly #ends: (() => void)[] = []
  /** Resolves when what is kept has been read: until then what the client tells waits. */
  readonly #opened: Promise<void>
  #began = 0
  #all: readonly Chat[] = []
  /** undefined: not known yet. */
  #settings: Settings | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false
  /** Own messages that are to be kept, and what keeps them. */
  readonly #own: Outgoing[] = []
  /** What keeps the places of messages that could not be read. */
  #noting: Promise<unknown> = Promise.resolve()
  #keeping: Promise<void> | undefined

  /** Takes the messages of a client: they have one reader. Rejects with a UsageError (`already_read`) where there is another. */
  static async open(client: Client, user: string, shelf: Shelf): Promise<Book> {
    const book = new Book(client, user, shelf)
    try {
      await book.#opened
      return book
    } catch (error) {
      book.close()
      throw error
    }
  }

  /** Hears all that the client tells from now on, which it tells once. */
  private constructor(client: Client, user: string, shelf: Shelf) {
    this.#client = client
    this.#me = user
    this.#log = new Log(shelf)
    this.#batches = client.batches()
    for (const name of ['message', 'placed'] as const) this.#hear(name, (message) => this.#keepOwn([message]))
    this.#hear('seen', ({ chat, epoch, seq }) => this.#seen(chat, { epoch, seq }))
    this.#hear('gone', (gone) => this.#erase(gone))
    this.#hear('settings', (settings) => this.#agree(settings))
    const { e2ee } = client
    if (e2ee)
      this.#ends.push(
        e2ee.on('unreadable', (event) => this.#unread(event)),
        e2ee.on('identity', (event) => void this.#otherKeys(event)),
        e2ee.on('group', (event) => void this.#otherList(event)),
      )
    this.#opened = this.#begin(shelf)
  }

  #hear<Name extends keyof ClientEvents>(name: Name, take: (event: ClientEvents[Name]) => Promise<void>): void {
    const taken = (event: ClientEvents[Name]) =>
      this.#opened.then(() => (this.#closed ? undefined : take(event)), nothing)
    this.#ends.push(this.#client.handle(name, taken))
  }

  async #begin(shelf: Shelf): Promise<void> {
    const first = this.#batches.next()
    const isRead = first.then(nothing, (error) => {
      // Else the client has ended, and says why; what is kept is here all the same.
      if (error instanceof UsageError) throw error
    })
    const kept = this.#log.vanish(Date.now()).then(() => Promise.all([this.#log.chats(), shelf.began()]))
    await Promise.race([isRead, kept])
    const [chats, began] = await kept
    this.#began = began
    for (const chat of chats) this.#chats.set(chat.id, shown(chat))
    this.#all = sorted(this.#chats.values())
    void this.#client.outbox().then((messages) => this.#keepOwn(messages))
    void this.#client.settings().then((settings) => this.#agree(settings), nothing)
    void this.#watch()
    if (chats.length === 0 || chats.some(({ told }) => told)) void this.#askAll().catch(nothing)
    for (const { id, chosen } of chats) if (Object.keys(chosen)[0]) this.#tag(id, chosen).catch(nothing)
    void this.#receive(first)
  }

  /** Since when this device keeps what it has: of chats that are not permanent it lacks what this user wrote before on others. */
  get began(): number {
    return this.#began
  }

  /** Listens until the answer is called. */
  on<Name extends keyof BookEvents>(name: Name, listener: (event: BookEvents[Name]) => void): () => void {
    const end = this.#listeners.add(name, listener)
    return () => void end()
  }

  /** The chats: those that are pinned, then that with the newest message first. The same list until something of it changes. */
  get all(): readonly Chat[] {
    return this.#all
  }

  has(id: string): boolean {
    return this.#chats.has(id)
  }

  /** A chat that is not there yet is one without lines. The same object until something of it changes. */
  chat(id: string): Chat {
    const fresh = newChat(id)
    return this.#chats.get(id) ?? { ...fresh, ...agreed(fresh, this.#settings, Date.now()) }
  }

  /** The last lines of a chat, or the last before an `order`, or the first after one; oldest first. */
  lines(chat: string, { before = Number.POSITIVE_INFINITY, after, count = 60 }: Range = {}): Promise<Line[]> {
    return after === undefined ? this.#log.before(chat, before, count) : this.#log.after(chat, after, count)
  }

  /** The first message of a chat that is not read. */
  firstUnread(chat: string): Promise<Line | undefined> {
    return this.#log.firstUnread(this.chat(chat))
  }

  /** Goes back through a chat, as far as there is anything; from the oldest line that the program has. */
  past(oldest?: Line): Past {
    return new Past(this.#client, this.#log, this.#me, oldest)
  }

  /** The newest lines in which these words stand, at most `count`. */
  find(words: string, count = 50): Promise<Line[]> {
    const wanted = words.toLocaleLowerCase()
    return this.#log.find(({ text, change }) => !change && text.toLocaleLowerCase().includes(wanted), count)
  }

  /** This user has read a chat up to this line; undefined: all that is there. The others are told, and the timer of what waited runs. */
  async read(id: string, line?: Line): Promise<void> {
    const { newest, seen } = this.chat(id)
    const upTo = line ? line.here : newest
    if (!upTo || covers(seen, upTo) || upTo.epoch !== newest?.epoch) return
    this.#client.read({ chat: id, ...upTo })
    await this.#seen(id, upTo)
  }

  /**
   * Until when nothing of a chat is to disturb this user, `Infinity`: for good; null: it may again. Here and below it counts at once, and
   * no more where the server refuses it; resolves and rejects as `client.tag`.
   */
  mute(id: string, until: number | null): Promise<void> {
    return this.#tag(id, { muted: until })
  }

  /** Puts a chat on top, or not any more. */
  pin(id: string, on: boolean): Promise<void> {
    return this.#tag(id, on ? { pinned: Date.now(), archived: null } : { pinned: null })
  }

  /** Puts a chat away, or back. One that is not muted comes back with its next message. */
  archive(id: string, on: boolean): Promise<void> {
    const archived = on ? newestTime(this.chat(id)) : null
    return this.#tag(id, on ? { archived, pinned: null } : { archived })
  }

  /** Kept with the chat until it is answered: a client that ends before that leaves it to the next one. */
  async #tag(id: string, tags: Choice): Promise<void> {
    const change = (by: (chosen: Choice) => Choice) =>
      this.#change(id, (chat) => ({ ...chat, chosen: by(chat.chosen) }))
    try {
      await Promise.all([this.#client.tag(id, tags), change((chosen) => ({ ...chosen, ...tags }))])
    } finally {
      // Not of what was chosen since.
      if (this.#client.connection.is !== 'closed')
        await change((chosen) =>
          Object.fromEntries(Object.entries(chosen).filter(([word, value]) => value !== tags[word])),
        )
    }
  }

  /**
   * Deletes a line, or a chat, for this user: here at once, elsewhere when the server has it. Rejects as `client.delete` does. A chat that
   * comes again is neither pinned nor archived.
   */
  async delete(what: Line | string): Promise<void> {
    if (typeof what === 'string') {
      const { pinned, archived } = this.chat(what).tags
      const placed = (pinned ?? archived) !== undefined
      // Asked for first, so that what comes meanwhile stays.
      const [kept] = await Promise.all([
        this.#log.delete(what),
        this.#client.delete(what),
        placed && this.#client.tag(what, { pinned: null, archived: null }),
      ])
      return this.#lost(kept)
    }
    const { id, chat, here, state, mine } = what
    await this.#lost({ ...(await this.#log.delete(chat, id)), lines: [what] })
    if (mine) await this.#client.delete({ id, to: chat, copy: here, state })
    else if (here) await this.#client.delete({ chat, ...here })
  }

  /** Keeps what is written in a chat and not sent. */
  async draft(id: string, draft: string): Promise<void> {
    if (this.chat(id).draft !== draft) await this.#became(await this.#log.draft(id, draft))
  }

  /** Ends it. The client goes on, and its messages are for another reader. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const end of this.#ends) end()
    void this.#batches.return(undefined)
  }

  /** A batch counts as handled when the loop asks for the next: by then the log has it, and a repeat changes nothing. */
  async #receive(first: Promise<IteratorResult<Batch>>): Promise<void> {
    try {
      for (let next = await first; !next.done && !this.#closed; next = await this.#batches.next())
        await this.#take(next.value)
    } catch {
      // The client has ended, and says why.
    }
  }

  async #take(messages: readonly Incoming[]): Promise<void> {
    const now = Date.now()
    await this.#keep(messages.map((message) => toMe(message, now)))
    const last = messages.at(-1)
    // What stood before it has come, or is gone; of a permanent chat of which nothing came it is in the history.
    await this.#untell(
      ({ epoch, seq }, { moved, lifetime }) =>
        epoch === last?.epoch && seq <= last.seq && (moved !== null || lifetime !== 'permanent'),
    )
  }

  /** Own changes of a group come in the order of the group, as those of others. What comes while others are kept is kept together. */
  async #keepOwn(messages: readonly Outgoing[]): Promise<void> {
    this.#own.push(...messages.filter(({ change, to }) => !(change && isGroup(to))))
    if (this.#own.length > 0 && !this.#closed) this.#keeping ??= this.#keepNext()
    return this.#keeping
  }

  /** It is over at once when nothing is left: what comes then begins anew. */
  async #keepNext(): Promise<void> {
    try {
      while (this.#own.length > 0 && !this.#closed) {
        const some = this.#own.splice(0, ownAtOnce)
        await this.#keep(some.map((message) => fromMe(message, this.#me)))
      }
    } finally {
      this.#keeping = undefined
    }
  }

  async #keep(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return
    await this.#became(await this.#log.keep(lines, Date.now()))
    const groups = new Set(
      lines.flatMap(({ chat, change }) => (isGroup(chat) && (change || this.chat(chat).name === null) ? [chat] : [])),
    )
    for (const id of groups) void this.#learn(id)
  }

  /** What a group is called and how long its messages stay: who was added to it has not heard. */
  async #learn(id: string): Promise<void> {
    const group = await this.#client.group(id).catch(() => undefined)
    if (!group) return
    const { name, lifetime } = this.chat(id)
    if (name !== group.name || lifetime !== group.lifetime)
      await this.#change(id, (chat) => ({ ...chat, name: group.name, lifetime: group.lifetime }))
  }

  /** Changes a chat, which is then as the settings say. */
  async #change(id: string, change = (chat: Chat) => chat): Promise<void> {
    await this.#became(await this.#log.change(id, (chat) => this.#agreed(change(chat))))
  }

  /** A device that has nothing yet is told what there is before all of it has come. */
  async #askAll(): Promise<void> {
    const all = await this.#client.chats()
    if (this.#closed) return
    await this.#untell(() => true)
    await this.#became(await this.#log.tell(all, Date.now()))
    for (const { id } of all) if (isGroup(id) && this.chat(id).name === null) void this.#learn(id)
  }

  /** What the server told of those is over. */
  async #untell(isOver: (told: NonNullable<Chat['told']>, chat: Chat) => boolean): Promise<void> {
    for (const chat of this.#all) if (chat.told && isOver(chat.told, chat)) await this.#change(chat.id, untold)
  }

  async #seen(id: string, seen: NonNullable<Line['at']>): Promise<void> {
    await this.#became(await this.#log.read(id, seen, Date.now()))
  }

  /** What another device has deleted; what has vanished goes by its own timer. */
  async #erase(gone: ClientEvents['gone']): Promise<void> {
    const { chat, epoch, from, upTo } = gone
    // It comes in the place of what could not be read: the cursor does not pass that before its place is kept.
    await this.#noting
    if (chat === null) return
    await this.#lost(await this.#log.erase(chat, epoch, from, upTo))
    this.#listeners.tell('erased', gone)
  }

  #unread(event: Unread): void {
    const keep = () => (this.#closed ? undefined : this.#keep([unread(event, this.#me)]))
    this.#noting = Promise.all([this.#noting, this.#opened.then(keep).catch(nothing)])
  }

  /** In a chat with that user. That a device has come or gone is of interest to who has compared the numbers. */
  async #otherKeys({ user, why }: E2eeEvents['identity']): Promise<void> {
    await this.#opened
    const isToldOf = why !== 'device' || (await this.#client.e2ee?.identity(user).catch(nothing))?.verified
    if (isToldOf && user !== this.#me && this.has(user) && !this.#closed)
      await this.#keep([otherKeys(user, why, Date.now())])
  }

  async #otherList(event: E2eeEvents['group']): Promise<void> {
    await this.#opened
    if (this.has(event.group) && !this.#closed) await this.#keep([otherList(event, Date.now())])
  }

  /** The chats become what the settings say of them, which may change meanwhile. */
  async #agree(settings = this.#settings): Promise<void> {
    this.#settings = settings
    const others = () => this.#all.filter((chat) => !isAgreed(chat, this.#settings, Date.now()))
    for (let some = others(); some.length > 0 && !this.#closed; some = others())
      for (const { id } of some) await this.#change(id)
  }

  #agreed(chat: Chat): Chat {
    const now = Date.now()
    return isAgreed(chat, this.#settings, now) ? chat : { ...chat, ...agreed(chat, this.#settings, now) }
  }

  /** A chat that begins is muted before its first line is told. */
  async #became({ lines, chats }: Kept): Promise<void> {
    const began = [...chats].filter(([id, chat]) => !this.#chats.has(id) && chat && this.#agreed(chat) !== chat)
    for (const [id, chat] of chats) chat ? this.#chats.set(id, shown(this.#agreed(chat))) : this.#chats.delete(id)
    this.#all = sorted(this.#chats.values())
    if (lines.length > 0) this.#listeners.tell('lines', lines)
    this.#listeners.tell('chats', this.#all)
    for (const [id] of began) await this.#change(id)
    await this.#watch()
  }

  async #lost({ lines, chats }: Kept): Promise<void> {
    if (lines.length > 0) this.#listeners.tell('gone', lines)
    await this.#became({ lines: [], chats })
  }

  /** Waits for the next line that vanishes, or the next chat that is muted no more. */
  async #watch(): Promise<void> {
    const vanishes = (await this.#log.nextDue()) ?? Number.POSITIVE_INFINITY
    const next = Math.min(vanishes, nextUnmuted(this.#all, Date.now()))
    clearTimeout(this.#timer)
    if (next === Number.POSITIVE_INFINITY || this.#closed) return
    const wait = Math.min(longestMs, Math.max(0, next - Date.now()))
    this.#timer = setTimeout(async () => {
      await this.#lost(await this.#log.vanish(Date.now()))
      await this.#agree()
    }, wait)
  }
}

type Batch = readonly Incoming[]
const nothing = () => {}

type Range = { readonly before?: number; readonly after?: number; readonly count?: number }
