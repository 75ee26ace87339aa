/** The chat that is open: which of its lines are shown, and how far it is read. */
import type { Book, Chat, Line, Past } from '../client/chats/index.ts'
import type { Talk } from './talk.ts'

/** Lines that are shown at first; and lines after the first unread one that are taken from the book at a time. */
const page = 60
const ahead = 200

export class Opened {
  readonly #book: Book
  readonly #talk: Talk
  #chat: string | undefined
  /** What came before the lines that are shown. */
  #past: Past | undefined
  /** What has become of the lines since the chat was opened and before it is shown; undefined: it is shown. */
  #untold: (() => void)[] | undefined
  /** Of what older lines are asked for. */
  #asked: Past | undefined
  #seen: Line | undefined

  constructor(book: Book, talk: Talk) {
    this.#book = book
    this.#talk = talk
  }

  /** undefined: none. */
  get chat(): string | undefined {
    return this.#chat
  }

  /** From now on; its lines are still to be shown. */
  open(chat: string | undefined): void {
    this.#chat = chat
    this.#past = undefined
    this.#untold = []
  }

  /** No chat is open: shows no lines. */
  clear(): void {
    this.#begin([], undefined, 0)
  }

  /**
   * Shows the end of the chat, or what is around the first message that is not read, or around `target`. `shown` is called as soon as that stands there;
   * not where another chat was opened meanwhile.
   */
  async fill({ id, unread }: Chat, target: Line | undefined, shown: () => void): Promise<void> {
    const untold = this.#untold
    const first = target ?? (unread > 0 ? await this.#book.firstUnread(id) : undefined)
    const before = await this.#book.lines(id, first ? { before: first.order, count: page } : { count: page })
    let after = first ? await this.#book.lines(id, { after: first.order, count: ahead }) : []
    // Another chat was opened, or this one anew.
    if (untold !== this.#untold) return
    const lines = [...before, ...(first ? [first] : []), ...after]
    const past = this.#book.past(lines[0])
    this.#past = past
    this.#begin(lines, target ? undefined : first, unread)
    if (target) this.#talk.toLine(target.id)
    shown()
    while (after.length === ahead && this.#past === past) {
      after = await this.#book.lines(id, { after: after.at(-1)?.order ?? 0, count: ahead })
      if (this.#past === past) this.#talk.put(after)
    }
  }

  #begin(lines: readonly Line[], firstUnread: Line | undefined, unread: number): void {
    const untold = this.#untold ?? []
    this.#untold = undefined
    this.#talk.show(lines, firstUnread, unread)
    for (const change of untold) change()
  }

  /** Something has become of lines. What was read of a chat that is being opened may not have it. */
  tell(change: () => void): void {
    this.#untold ? this.#untold.push(change) : change()
  }

  /** What was on the screen is read. While that is kept more is seen: it is kept together. */
  async read(line: Line): Promise<void> {
    if (line.chat !== this.#chat) return
    const reading = this.#seen !== undefined
    this.#seen = line
    for (let last: Line | undefined; !reading && this.#seen !== last; ) {
      last = this.#seen
      await this.#book.read(last.chat, last).catch(() => undefined)
    }
    if (!reading) this.#seen = undefined
  }

  /** Older lines: those that this browser has, then those that the server has. */
  async earlier(): Promise<void> {
    const [chat, past, oldest] = [this.#chat, this.#past, this.#talk.lines[0]]
    if (chat === undefined || past === undefined || past === this.#asked) return
    this.#asked = past
    const lines = await past.earlier(this.#book.chat(chat), oldest)
    // Another chat is open, or this one was opened anew: what is shown now has a past of its own.
    if (past !== this.#past) return
    this.#asked = undefined
    const known = new Set(this.#talk.lines.map(({ id }) => id))
    const more = lines.filter(({ id }) => !known.has(id))
    if (more.length > 0) this.#talk.put(more)
    else if (lines.length > 0) await this.earlier()
  }
}
