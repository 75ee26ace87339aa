/** The chats of one person: what the book has is shown, and what is shown is read. It uses the public SDK only. */
import {
  type Book,
  type Chat,
  deleted,
  indexedDBShelf,
  isArchived,
  isGroup,
  isMuted,
  type Line,
  newChat,
  openBook,
  titleOf,
} from '../client/chats/index.ts'
import { type Client, RefusedError } from '../client/index.ts'
import { address, go } from './address.ts'
import { Alerts } from './alerts.ts'
import { onFiles } from './attach.ts'
import { showBanner } from './banner.ts'
import { Blocked } from './blocked.ts'
import { compose } from './compose.ts'
import { avatar, byId } from './dom.ts'
import { Drafts } from './drafts.ts'
import { Finder } from './finder.ts'
import { Gallery } from './gallery.ts'
import { Groups } from './groups.ts'
import { Head } from './head.ts'
import { leaving } from './leaving.ts'
import { Lists } from './lists.ts'
import { notice } from './notice.ts'
import { Opened } from './opened.ts'
import { showOptions } from './options.ts'
import type { Sealing } from './sealing.ts'
import { enter, filesOf, remember, tellActivity } from './session.ts'
import { Privacy } from './settings.ts'
import { tried } from './sheet.ts'
import { Tagging } from './tagging.ts'
import { Talk } from './talk.ts'
import { Uploads } from './uploads.ts'
import { WaitingFiles } from './waiting.ts'
import { refusalWords } from './words.ts'

export class App {
  readonly client: Client
  readonly #me: string
  readonly #book: Book
  readonly #sealing: Sealing | undefined
  readonly #close: () => Promise<void>
  readonly #lists: Lists
  readonly #head: Head
  readonly #groups: Groups
  readonly #privacy: Privacy
  readonly #talk: Talk
  readonly #opened: Opened
  readonly #uploads: Uploads
  readonly #blocked: Blocked
  readonly #finder: Finder
  readonly #alerts: Alerts
  /** A line that was looked for: its chat opens there. */
  #target: Line | undefined
  readonly #drafts: Drafts
  readonly #draft = compose(
    (text) => this.#send(text),
    (writing) => this.client.typing(this.#opened.chat ?? '', writing ? 'typing' : null),
    (text) => this.#drafts.written(this.#opened.chat, text),
  )
  /** The chat that was closed by a key: there the person goes on. */
  #left: string | undefined
  #showing: ReturnType<typeof setTimeout> | undefined

  /** Nothing of it is shown yet. */
  static async open(me: string, token: string, sealing: Sealing | undefined): Promise<App> {
    const { client, shelf: name } = await enter(me, token, sealing)
    const shelf = indexedDBShelf(name)
    const book = await openBook(client, me, shelf)
    const files = new WaitingFiles(filesOf(me))
    return new App(me, client, book, files, sealing, async () => {
      book.close()
      await client.close()
      await Promise.all([shelf.close(), files.close()])
    })
  }

  private constructor(
    me: string,
    client: Client,
    book: Book,
    files: WaitingFiles,
    sealing: Sealing | undefined,
    close: () => Promise<void>,
  ) {
    this.#me = me
    this.#sealing = sealing
    this.client = client
    this.#book = book
    this.#close = close
    const remove = (chat: string) => {
      if (this.#opened.chat === chat) this.#go(undefined)
      void tried(book.delete(chat))
    }
    const open = (chat: string) => this.#go(chat)
    const tagging = new Tagging(book, (chat) => {
      if (this.#opened.chat === chat) this.#go(undefined)
    })
    const choices = (chat: string) => tagging.choices(chat)
    this.#lists = new Lists(me, open, (chat) => tagging.menu(chat))
    this.#head = new Head(me, client, (group) => {
      if (book.has(group) || this.#opened.chat !== group) return
      this.#go(undefined)
      notice('There is no such group.')
    })
    this.#privacy = new Privacy(client, sealing, choices, remove)
    sealing?.begin(me, client, book, () => void this.#privacy.show())
    this.#groups = new Groups(me, client, sealing, open, choices, remove)
    const acts = {
      ticks: (line: Line) => void this.#groups.ticks(line),
      delete: (line: Line) => {
        void tried(book.delete(line))
        byId('text').focus()
      },
      takeBack: (line: Line) => void this.#takeBack(line),
    }
    const options = (line: Line) => showOptions(line, me, acts)
    this.#talk = new Talk(me, new Gallery(client), book.began, {
      earlier: () => void this.#opened.earlier(),
      seen: (line) => void this.#opened.read(line),
      options,
      ticks: acts.ticks,
    })
    this.#opened = new Opened(book, this.#talk)
    this.#uploads = new Uploads(client, files)
    this.#drafts = new Drafts(book)
    this.#blocked = new Blocked(client)
    this.#alerts = new Alerts(me, book, open)
    this.#finder = new Finder(
      book,
      () => this.#show(),
      open,
      (line) => {
        this.#target = line
        if (line.chat === this.#opened.chat) void this.#route()
        else this.#go(line.chat)
      },
    )
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** The person has been let in; `token`: with what they come in again. */
  show(token: string): void {
    const { client } = this
    const { signOut, ended } = leaving(
      this.#me,
      client,
      this.#close,
      () => this.#uploads.count,
      token !== this.#me,
      this.#sealing,
    )
    byId('my-name').textContent = this.#me
    byId('my-avatar').replaceChildren(avatar(this.#me))
    byId('app').hidden = false
    showBanner(client, ended)
    byId('leave').onclick = () => void signOut()
    client.on('connection', (connection) => {
      if (connection.is === 'online') remember(this.#me, token)
    })
    this.#listen()
    addEventListener('hashchange', () => void this.#route())
    void this.#route()
    if (address().chat === undefined && matchMedia('(hover: hover)').matches) byId('peer').focus()
  }

  #listen(): void {
    const [client, book] = [this.client, this.#book]
    book.on('lines', (lines) => this.#showLines(lines))
    book.on('gone', (lines) => this.#opened.tell(() => this.#talk.drop(lines)))
    book.on('erased', ({ chat, epoch, from, upTo }) => {
      if (chat === this.#opened.chat)
        this.#opened.tell(() => this.#talk.drop(deleted(this.#talk.lines, epoch, from, upTo)))
    })
    book.on('chats', () => this.#showSoon())
    tellActivity(client)
    setInterval(() => this.#show(), 30_000)
    const send = async (file: File, caption: string) => {
      if (this.#opened.chat !== undefined) await this.#uploads.send(this.#opened.chat, file, caption)
    }
    onFiles(send)
    void this.#uploads.resume()
    for (const id of ['about', 'lasting', 'details']) byId(id).onclick = () => this.#about()
    byId('back').onclick = () => this.#go(undefined)
    addEventListener('keydown', (event) => {
      const free = !document.querySelector('dialog[open]')
      if (event.key !== 'Escape' || !free || this.#opened.chat === undefined) return
      this.#left = this.#opened.chat
      this.#go(undefined)
    })
    client.on('connection', ({ is }) => {
      if (is === 'online') this.#talk.fill()
    })
    client.on('gap', () => notice('Some older messages are no longer on the server.'))
  }

  async #send(text: string): Promise<void> {
    if (this.#opened.chat === undefined) return
    try {
      await this.client.queue(this.#opened.chat, text)
    } catch (error) {
      notice(error instanceof RefusedError ? refusalWords(error.code) : (error as Error).message)
      throw error
    }
  }

  #showLines(lines: readonly Line[]): void {
    const open = lines.filter(({ chat }) => chat === this.#opened.chat)
    this.#opened.tell(() => this.#talk.put(open))
    if (open.some(({ change }) => change)) void this.#head.ask()
  }

  /** What was not on its way yet stands in the field again. */
  async #takeBack(line: Line): Promise<void> {
    if (!(await tried(this.client.cancel(line.id))))
      return notice('It may be on its way already. When it is sent you can delete it for yourself.')
    await tried(this.#book.delete({ ...line, state: 'refused' }))
    if (this.#drafts.of(this.#book.chat(line.chat)) !== '' || this.#opened.chat !== line.chat) return
    this.#draft(line.text)
    this.#drafts.written(line.chat, line.text)
    byId('text').focus()
  }

  #about(): void {
    const open = this.#opened.chat ?? ''
    void (isGroup(open) ? this.#groups.show(this.#book.chat(open)) : this.#privacy.person(open))
  }

  /** Opens what the address names. */
  async #route(): Promise<void> {
    const { me, chat } = address()
    if (me !== this.#me) return location.reload()
    await this.#drafts.keep()
    if (address().chat !== chat) return
    const known = this.#book.chat(chat ?? '')
    this.#opened.open(chat)
    this.#draft(this.#drafts.of(known))
    this.#blocked.open(chat ?? '')
    this.#sealing?.open(chat)
    this.#head.open(chat === undefined ? undefined : known)
    document.body.dataset['view'] = chat === undefined ? 'list' : 'talk'
    if (chat === undefined) this.#opened.clear()
    else await this.#fill(known)
    this.#show()
    if (chat === undefined && this.#left !== undefined) this.#lists.focus(this.#left)
    this.#left = undefined
  }

  async #fill(known: Chat): Promise<void> {
    const target = this.#target?.chat === known.id ? this.#target : undefined
    this.#target = undefined
    await this.#opened.fill(known, target, () => {
      this.#uploads.show(known.id)
      if (matchMedia('(hover: hover)').matches) byId('text').focus()
    })
  }

  /** However much comes, the list is drawn now and then. */
  #showSoon(): void {
    this.#showing ??= setTimeout(() => this.#show(), 40)
  }

  #show(): void {
    clearTimeout(this.#showing)
    this.#showing = undefined
    const open = this.#opened.chat
    const shown = open === undefined || this.#book.has(open) ? [] : [newChat(open)]
    this.#lists.show([...shown, ...this.#book.all], open, this.#finder.words)
    const disturbing = this.#book.all.filter((chat) => !isMuted(chat) && !isArchived(chat))
    const unread = disturbing.reduce((sum, chat) => sum + chat.unread, 0)
    const known = this.#book.chat(open ?? '')
    const place = open === undefined ? 'Bluetick' : `${titleOf(known)} · Bluetick`
    this.#alerts.count(unread, place)
    this.#talk.unread(known.unread)
    this.#head.title(known)
    this.#head.show()
  }

  #go(chat: string | undefined): void {
    go(this.#me, chat)
  }
}
