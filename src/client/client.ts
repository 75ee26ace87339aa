/// <reference lib="esnext.disposable" preserve="true" />
/** What a program holds: one device of one user, which connects and comes back by itself. */
import type { Body } from '../protocol/ids.ts'
import type { Lifetime } from '../protocol/lifetime.ts'
import { Account } from './account.ts'
import { Asker } from './asker.ts'
import { Chats } from './chats.ts'
import { type Clock, systemClock } from './clock.ts'
import { Groups } from './groups.ts'
import { Host, type News } from './host.ts'
import { HttpLink } from './http-link.ts'
import { Listeners } from './listeners.ts'
import { download, transfer, upload } from './media.ts'
import { checkConnect, checkListener, checkOptions, checkText } from './options.ts'
import { Reader } from './reader.ts'
import { Sender } from './sender.ts'
import { Sent } from './sent.ts'
import type { Received } from './session/inbox.ts'
import type { Medium, TransferOptions } from './transfers.ts'
import type {
  ChatInfo,
  ClientEvents,
  ConnectionStatus,
  ConnectOptions,
  Deletable,
  DeviceInfo,
  Group,
  HistoryOptions,
  Incoming,
  Outgoing,
  Past,
  Presence,
  QueueOptions,
  SendOptions,
  Settings,
  Tags,
  Ticks,
} from './types.ts'
import { type WaitOptions, wait } from './waiting.ts'

/**
 * Calls that wait for the server take `{ signal, timeout }` last: they end the wait with the signal's reason or a TimeoutError, and not
 * what was asked; that is still done.
 */
export class Client implements AsyncDisposable {
  readonly #clock: Clock
  readonly #host: Host
  readonly #sender: Sender
  readonly #sent: Sent
  readonly #reader: Reader
  readonly #asker: Asker
  readonly #account: Account
  readonly #groups: Groups
  readonly #chats: Chats
  readonly #listeners = new Listeners<ClientEvents>()
  readonly #watches = new Listeners<Record<string, Presence>>()
  readonly #ended = new AbortController()
  readonly #http: HttpLink
  /** What `connect` was given. */
  readonly e2ee: ConnectOptions['e2ee']

  /** Use `connect`. A test brings its own clock. */
  constructor(options: ConnectOptions, clock: Clock = systemClock) {
    checkConnect(options)
    this.e2ee = options.e2ee
    this.#clock = clock
    this.#http = new HttpLink(options, clock, this.#ended.signal)
    this.#host = new Host(options, clock, this.#http, (news) => this.#tell(news))
    this.#sender = new Sender(this.#host, clock, options)
    this.#sent = new Sent(this.#host)
    this.#reader = new Reader(this.#host, ({ seq: _, ...gone }) => Promise.all(this.#listeners.tell('gone', gone)))
    this.#asker = new Asker(this.#host)
    this.#account = new Account(this.#host, this.#asker)
    this.#groups = new Groups(this.#host, this.#asker, this.#sender, this.#sent)
    this.#chats = new Chats(this.#host, this.#asker, this.#account, this.#groups)
  }

  /** Whether there is a connection; if not, when the next try is, or why there will be none. */
  get connection(): ConnectionStatus {
    return this.#host.status
  }

  /** Listens until the answer is called. Throws a UsageError where there is no such event. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    checkListener(name, listener)
    const end = this.#listeners.add(name, listener)
    return () => void end()
  }

  /**
   * As `on`, for a program that keeps what it is told: the storage does not go past an event before what the listener answers has
   * resolved, so that after a crash it is told again. The listener must not wait for this client.
   */
  handle<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => Promise<unknown>,
  ): () => void {
    return this.on(name, (event) => this.#host.keeper.hold(listener(event)))
  }

  /**
   * Resolves when the message is safe at the server; waits while offline. Rejects with a RefusedError, or with a ClosedError
   * when the client ends first: then it waits in the storage for the next one. Given up by `signal` or `timeout`, it is taken back
   * where it was not on its way yet, as `cancel` does.
   */
  async send(to: string, body: Body, options: SendOptions = {}): Promise<Outgoing> {
    checkOptions('send', options)
    const { signal, timeout, ...queued } = options
    signal?.throwIfAborted()
    const { id } = await this.queue(to, body, queued)
    const reached = () => this.reached(id, 'sent')
    return wait({ signal, timeout }, this.#clock, reached, () => void this.cancel(id).catch(() => undefined))
  }

  /**
   * Resolves when the message is durable in this client's storage: from here on it will be sent. Rejects with a
   * RefusedError (`too_large`), an OutboxFullError, or a StorageError.
   */
  queue(to: string, body: Body, options: QueueOptions = {}): Promise<Outgoing> {
    return this.#sender.queue(to, body, options)
  }

  /**
   * Takes back a message that waits to be sent: its state becomes `refused`, its code `cancelled`. Resolves with whether it did, when that
   * is durable. False: it is or was on its way, and may be at the server; or it is over.
   */
  cancel(id: string): Promise<boolean> {
    return this.#sent.cancel(id)
  }

  /**
   * Resolves when a message of this client has reached a state, or a higher one. Rejects with a RefusedError, or with a
   * ClosedError when the client ends first.
   */
  reached(id: string, state: 'sent' | 'delivered' | 'read', options: WaitOptions = {}): Promise<Outgoing> {
    return this.#wait(options, () => this.#sent.reached(id, state))
  }

  /** Own messages that are neither read nor refused, oldest first, also those of an earlier run. Of sent ones the last 10,000. */
  outbox(): Promise<readonly Outgoing[]> {
    return this.#sent.list()
  }

  /**
   * Messages for this user: in order, each once, also after a restart. A message counts as handled when the loop asks for
   * the next; that comes when the storage has it, and the server is told. One that the loop left by a break, a throw or a
   * crash comes again, under the same id. The loop ends after `close()`, and throws when anything else ended the client. There is one
   * loop at a time; `return` of one that waits makes room for the next.
   */
  messages(): AsyncGenerator<Incoming> {
    return this.#reader.batches(1, (batch) => this.#incoming(batch[0] as Received))
  }

  /** As `messages()`, but all that are there, at most `max` at a time: they count as handled together, and cost one write. */
  batches(max = 256): AsyncGenerator<readonly Incoming[]> {
    return this.#reader.batches(max, (batch) => batch.map((message) => this.#incoming(message)))
  }

  #incoming(message: Received): Incoming {
    return { ...message, read: () => this.read(message) }
  }

  /**
   * Uploads a picture, video or other file, and resolves when the node has it. Goes on where it broke off, waits while offline,
   * and is quick where the node has the same content already. Rejects with a MediaError, or with a ClosedError when the client ends.
   * With `e2ee` it is sealed: see `Medium`, and the option `to`.
   */
  upload(content: Blob | Uint8Array<ArrayBuffer>, options: TransferOptions = {}): Promise<Medium> {
    return transfer(options, this.#clock, (given) => (this.e2ee?.upload ?? upload)(this.#http, content, given))
  }

  /** The content with this id, of the type that its first bytes tell. Goes on and rejects as `upload` does. */
  download(id: string, options: TransferOptions = {}): Promise<Blob> {
    return transfer(options, this.#clock, (given) => (this.e2ee?.download ?? download)(this.#http, id, given))
  }

  /**
   * Tells the sender, or the group, that the chat is read up to this message, which may be one of an earlier run. Kept, and repeated until
   * the server has it. Of a log that was reset meanwhile it says nothing.
   */
  read({ chat, epoch, seq }: Pick<Incoming, 'chat' | 'epoch' | 'seq'>): void {
    this.#host.hear({ is: 'read', chat, epoch, seq })
  }

  /**
   * Makes a group of this user, who is its admin, and others; resolves with its id, which is what to send to. What changes it
   * later is sent to it: `send(group, 'carol', { change: 'add' })`. Rejects with a RefusedError; with `bad_id`, where nobody can be
   * called as a member is, before anything is made.
   */
  createGroup(name: string, members: readonly string[] = [], options: WaitOptions = {}): Promise<string> {
    return this.#wait(options, async () => this.#groups.create(name, members, await this.e2ee?.mark(members)))
  }

  /** A group of this user as it is now. Waits while offline; rejects with a RefusedError (`not_a_member`, `unknown_group`). */
  group(id: string, options: WaitOptions = {}): Promise<Group> {
    return this.#wait(options, () => this.#groups.group(id))
  }

  /** Who has a message that this user has sent to a group, and who has read it. */
  ticks(message: Pick<Outgoing, 'to' | 'at'>, options: WaitOptions = {}): Promise<Ticks> {
    return this.#wait(options, () => this.#groups.ticks(message))
  }

  /**
   * Sets how long messages of a chat stay from now on: with a user either side may, in a group an admin. It is a message with `change`
   * `lifetime`, which both sides see in its place. As for `send`.
   */
  setLifetime(chat: string, lifetime: Lifetime, options: WaitOptions = {}): Promise<Outgoing> {
    return this.send(chat, lifetime, { ...options, change: 'lifetime' })
  }

  /** How long messages of a chat stay that are sent now. Waits for a connection the first time, for a group each time. */
  lifetime(chat: string, options: WaitOptions = {}): Promise<Lifetime> {
    return this.#wait(options, () => this.#chats.lifetime(chat))
  }

  /**
   * Messages that a permanent chat has in its history, the newest of those `before`, oldest first; none: there are no more.
   * Waits while offline; rejects with a RefusedError.
   */
  async history(chat: string, options: HistoryOptions = {}): Promise<readonly Past[]> {
    checkOptions('history', options)
    const { signal, timeout, ...page } = options
    return this.#wait({ signal, timeout }, () => this.#chats.history(chat, page))
  }

  /**
   * The chats of this user that the server has messages of, at this moment, with what is unread: the newest first, at most 1,024 unless the
   * node says otherwise. It reads the inbox for that, every 5 s at most. Waits while offline.
   */
  chats(options: WaitOptions = {}): Promise<readonly ChatInfo[]> {
    return this.#wait(options, () => this.#chats.all())
  }

  /**
   * Deletes a chat up to now, or one message, for this user on all their devices; others keep theirs. What waits to be sent is still sent.
   * Resolves when the server has it; waits while offline, kept in the storage.
   */
  delete(what: string | Deletable, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#chats.delete(what))
  }

  /** Follows a user's presence until the answer is called. Of a group: hears of who types in it; the listener is not called. */
  watch(user: string, listener: (presence: Presence) => void): () => void {
    checkText('bad_id', user)
    const first = !this.#watches.has(user)
    const end = this.#watches.add(user, listener)
    if (first) this.#host.hear({ is: 'watch', user })
    return () => {
      if (end()) this.#host.hear({ is: 'unwatch', user })
    }
  }

  /**
   * Says what this person does in a chat, to those who have it open (who `watch` this user). Call it at each key: it is said
   * every few seconds, and forgotten while offline. null: nothing more.
   */
  typing(chat: string, doing: 'typing' | 'recording' | null = 'typing'): void {
    checkText('bad_id', chat)
    this.#host.hear({ is: 'typing', chat, doing })
  }

  /** true: the person is here. false: the app went to the background. */
  active(active: boolean): void {
    this.#host.hear({ is: 'active', active })
  }

  /** The settings of this user. Waits for a connection the first time; `settings` events tell of changes from then on. */
  settings(options: WaitOptions = {}): Promise<Settings> {
    return this.#wait(options, () => this.#account.settings())
  }

  /** Changes who sees this user, who may write, and whether reads are told. As for `block`. */
  async set(
    choices: Partial<Pick<Settings, 'lastSeen' | 'writers' | 'groups' | 'receipts'>>,
    options: WaitOptions = {},
  ): Promise<void> {
    checkOptions('set', choices)
    const changes = Object.entries(choices) as [keyof typeof choices, string | boolean][]
    return this.#wait(options, () => this.#account.set(changes.map(([name, value]) => [name, value, true])))
  }

  /**
   * Takes no more messages from a user, and shows them nothing. Resolves when the server has it; waits while offline, kept in
   * the storage. Rejects with a RefusedError (`list_full`, `bad_frame`), or with a ClosedError when the client ends first.
   */
  block(user: string, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#account.set([['blocked', user, true]]))
  }

  unblock(user: string, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#account.set([['blocked', user, false]]))
  }

  /** Adds a user to the contacts, which all devices of this user share. As for `block`. */
  addContact(user: string, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#account.set([['contacts', user, true]]))
  }

  removeContact(user: string, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#account.set([['contacts', user, false]]))
  }

  /**
   * Notes something of a chat, for this user alone and on all their devices: `{ muted: until }`, `{ pinned: now }`, or words of the
   * program's own. null takes a tag off; others stay. As for `block`.
   */
  tag(
    chat: string,
    tags: { readonly [Word in keyof Tags]: Tags[Word] | null | undefined },
    options: WaitOptions = {},
  ): Promise<void> {
    return this.#wait(options, () => this.#account.tag(chat, tags))
  }

  /** The devices of this user, connected or not. Waits while offline. */
  devices(options: WaitOptions = {}): Promise<readonly DeviceInfo[]> {
    return this.#wait(options, () => this.#account.devices())
  }

  /**
   * Takes a device from this user: its session ends at once with `removed`, and it comes back only with a token that was made later. Resolves when
   * the server has it; rejects with a RefusedError (`unknown_device`), or with a ClosedError when the client ends first.
   */
  removeDevice(device: string, options: WaitOptions = {}): Promise<void> {
    return this.#wait(options, () => this.#account.remove(device))
  }

  /**
   * Call it when the app comes to the foreground or the network is back: tries to connect now instead of at the next delay; a connection is
   * asked whether it still holds, and given up after 5 s of silence. A browser's `online`, `pageshow` and `visibilitychange` do it by themselves.
   */
  retryNow(): void {
    this.#host.hear({ is: 'retry' })
  }

  /** Ends the session, and resolves when the storage is free. What is queued stays there. */
  async close(): Promise<void> {
    this.#host.hear({ is: 'end', code: 'closed' })
    await this.#host.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #wait<T>(options: WaitOptions, work: () => Promise<T>): Promise<T> {
    checkOptions('a call', options)
    return wait(options, this.#clock, work)
  }

  #tell(news: News): void {
    if (news.do === 'arrived') return this.#reader.wake()
    if (news.do === 'answered') return this.#asker.answered(news)
    if (news.do === 'presence') return void this.#watches.tell(news.user, news.presence)
    if (news.name === 'message') this.#sent.heard(news.event)
    if (news.name === 'arrived') this.#reader.wake()
    if (news.name === 'connection' && news.event.is === 'online') this.#http.wake()
    this.#listeners.tell(news.name, news.event as never)
    const { ended } = this.#host
    if (!ended) return
    this.#reader.wake()
    this.#ended.abort(ended)
    this.#sent.end(ended)
    this.#asker.end(ended)
  }
}
