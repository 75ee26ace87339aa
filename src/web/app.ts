/** The chats of one person: what comes is kept, then shown; what is shown is read. It uses the public SDK only. */
import type { Client, Outgoing } from '../client/index.ts'
import { address, go } from './address.ts'
import { showBanner } from './banner.ts'
import { compose } from './compose.ts'
import { avatar, byId } from './dom.ts'
import { Gallery } from './gallery.ts'
import { Groups } from './groups.ts'
import { Head } from './head.ts'
import { List } from './list.ts'
import { Log } from './log.ts'
import { type Chat, fromMe, isGroup, type Line, newChat, seenUpTo, titleOf, toMe } from './model.ts'
import { notice } from './notice.ts'
import { enter, tellActivity } from './session.ts'
import { Privacy } from './settings.ts'
import { Talk } from './talk.ts'
import { onFiles, Uploads } from './uploads.ts'

/** Lines that are shown at a time; scrolling up shows more. */
const page = 60

export class App {
  readonly #me: string
  readonly #client: Client
  readonly #log: Log
  readonly #chats: Map<string, Chat>
  readonly #list: List
  readonly #head: Head
  readonly #groups: Groups
  readonly #privacy: Privacy
  readonly #talk: Talk
  readonly #uploads: Uploads
  readonly #drafts = new Map<string, string>()
  readonly #draft = compose(
    (text) => this.#send(text),
    (writing) => this.#client.typing(this.#open ?? '', writing ? 'typing' : null),
  )
  #open: string | undefined
  #loading = false

  static async start(me: string, token: string): Promise<App> {
    const log = await Log.open(me)
    return new App(me, enter(me, token), log, await log.chats())
  }

  private constructor(me: string, client: Client, log: Log, chats: readonly Chat[]) {
    this.#me = me
    this.#client = client
    this.#log = log
    this.#list = new List(me, (chat) => this.#go(chat))
    this.#head = new Head(me, client, (group, name) => void this.#change(group, (chat) => ({ ...chat, name })))
    this.#privacy = new Privacy(client)
    this.#groups = new Groups(me, client, (group) => this.#go(group))
    const shows = { earlier: () => void this.#earlier(), ticks: (line: Line) => void this.#groups.ticks(line) }
    this.#talk = new Talk(me, new Gallery(client), shows)
    this.#uploads = new Uploads(client)
    this.#chats = new Map(chats.map((chat) => [chat.id, chat]))
    byId('my-name').textContent = me
    byId('my-avatar').replaceChildren(avatar(me))
    byId('app').hidden = false
    showBanner(client, () => this.#leave())
    byId('leave').onclick = () => this.#leave()
    this.#listen()
    addEventListener('hashchange', () => void this.#route())
    void this.#route()
    void this.#receive()
  }

  #listen(): void {
    const client = this.#client
    client.on('message', (message) => void this.#keepOwn([message]))
    client.on('connection', (connection) => {
      if (connection.is === 'online' && connection.user !== this.#me) go(connection.user)
    })
    void client.outbox().then((messages) => this.#keepOwn(messages))
    document.addEventListener('visibilitychange', () => {
      void this.#readOpen()
    })
    tellActivity(client)
    setInterval(() => this.#show(), 30_000)
    onFiles((file) => {
      if (this.#open !== undefined) void this.#uploads.send(this.#open, file)
    })
    byId<HTMLFormElement>('start').onsubmit = (event) => {
      event.preventDefault()
      const input = byId<HTMLInputElement>('peer')
      if (input.value.trim()) this.#go(input.value.trim())
      input.value = ''
    }
    byId('about').onclick = () => {
      const open = this.#open ?? ''
      void (isGroup(open) ? this.#groups.show(open) : this.#privacy.person(open))
    }
    byId('back').onclick = () => this.#go(undefined)
    addEventListener('keydown', (event) => {
      const free = !document.querySelector('dialog[open]')
      if (event.key === 'Escape' && free && this.#open !== undefined) this.#go(undefined)
    })
    client.on('seen', ({ chat, epoch, seq }) => void this.#change(chat, (known) => seenUpTo(known, { epoch, seq })))
    client.on('gap', () => notice('Some messages are too old to be had from the server.'))
  }

  async #send(text: string): Promise<void> {
    if (this.#open === undefined) return
    try {
      await this.#client.queue(this.#open, text)
    } catch (error) {
      notice((error as Error).message)
      throw error
    }
  }

  /** A batch counts as handled when the loop asks for the next: by then the log has it, and a repeat changes nothing. */
  async #receive(): Promise<void> {
    try {
      for await (const batch of this.#client.batches()) await this.#keep(batch.map(toMe))
    } catch {
      // The banner says why the client has ended.
    }
  }

  /** Own changes of a group come in the order of the group, as those of others. */
  #keepOwn(messages: readonly Outgoing[]): Promise<void> {
    return this.#keep(messages.filter(({ change }) => !change).map((message) => fromMe(message, this.#me)))
  }

  async #keep(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return
    const kept = await this.#log.keep(lines)
    for (const [id, chat] of kept.chats) {
      this.#chats.set(id, chat)
      if (isGroup(id) && chat.name === null) void this.#learnName(id)
    }
    const open = kept.lines.filter(({ chat }) => chat === this.#open)
    for (const line of open) this.#talk.put(line)
    if (open.some(({ change }) => change)) void this.#head.ask()
    this.#show()
    await this.#readOpen()
  }

  /** Who was added to a group has not heard what it is called. */
  async #learnName(id: string): Promise<void> {
    const group = await this.#client.group(id).catch(() => undefined)
    if (group) await this.#change(id, (chat) => ({ ...chat, name: group.name }))
  }

  /** What the person has in view is read. */
  async #readOpen(): Promise<void> {
    const chat = this.#open === undefined ? undefined : this.#chats.get(this.#open)
    if (!chat?.newest || chat.unread === 0 || document.hidden) return
    this.#client.read({ chat: chat.id, ...chat.newest })
    await this.#change(chat.id, (chat) => ({ ...chat, unread: 0 }))
  }

  async #change(id: string, change: (chat: Chat) => Chat): Promise<void> {
    this.#chats.set(id, await this.#log.change(id, change))
    this.#show()
  }

  /** Opens what the address names. */
  async #route(): Promise<void> {
    const { me, chat } = address()
    if (me !== this.#me) return location.reload()
    const left = this.#draft(this.#drafts.get(chat ?? '') ?? '')
    if (this.#open !== undefined) this.#drafts.set(this.#open, left)
    this.#open = chat
    const known = this.#chats.get(chat ?? '') ?? newChat(chat ?? '')
    this.#head.open(chat === undefined ? undefined : known)
    document.body.dataset['view'] = chat === undefined ? 'list' : 'talk'
    if (chat === undefined) return this.#show()
    const lines = await this.#log.lines(chat, Number.POSITIVE_INFINITY, Math.max(page, known.unread + 10))
    if (this.#open !== chat) return
    this.#talk.show(lines, known.unread)
    this.#uploads.show(chat)
    this.#show()
    if (matchMedia('(hover: hover)').matches) byId('text').focus()
    await this.#readOpen()
  }

  async #earlier(): Promise<void> {
    const [chat, oldest] = [this.#open, this.#talk.oldest]
    if (this.#loading || chat === undefined || !oldest) return
    this.#loading = true
    const lines = await this.#log.lines(chat, oldest.order, page)
    this.#loading = false
    if (this.#open === chat && lines.length > 0) this.#talk.prepend(lines)
  }

  #show(): void {
    const open = this.#open
    const shown = open === undefined || this.#chats.has(open) ? [] : [newChat(open)]
    this.#list.show([...shown, ...this.#chats.values()], open)
    const unread = [...this.#chats.values()].reduce((sum, chat) => sum + chat.unread, 0)
    const known = this.#chats.get(open ?? '') ?? newChat(open ?? '')
    const place = open === undefined ? 'Bluetick' : `${titleOf(known)} · Bluetick`
    document.title = unread > 0 ? `(${unread}) ${place}` : place
    this.#head.title(known)
    this.#head.show()
  }

  #go(chat: string | undefined): void {
    go(this.#me, chat)
  }

  #leave(): void {
    sessionStorage.removeItem('token')
    void this.#client.close().then(() => {
      location.hash = ''
      location.reload()
    })
  }
}
