import { type Book, deleted, type Line } from '../client/chats/index.ts'
import type { Store } from './store.ts'

export type MessagesOfChat = {
  readonly lines: readonly Line[]
  /** There is nothing before. */
  readonly over: boolean
  /** Brings what came before, as many again. */
  more(): Promise<void>
}
type View = Omit<MessagesOfChat, 'more'>

/** Lines that are had at a time. */
const page = 60

export const emptyMessages: Store<View> = (() => {
  const none: View = { lines: [], over: false }
  return { subscribe: () => () => {}, now: () => none }
})()

/** The end of a chat as it is now: from the last lines on, as far back as was asked for, and at most a page more however long it stays open. */
export class Messages implements Store<View> {
  readonly #book: Book
  readonly #chat: string
  #view: View = { lines: [], over: false }
  #past: ReturnType<Book['past']>
  /** Lines that were asked for. */
  #asked = page
  #loaded: Promise<void> = Promise.resolve()
  /** What became of lines while those of the book are read: null, they are gone. */
  #meanwhile: Map<string, Line | null> | undefined
  #changed = () => {}

  constructor(book: Book, chat: string) {
    this.#book = book
    this.#chat = chat
    this.#past = book.past()
  }

  now(): View {
    return this.#view
  }

  /** Of a component; it may leave, and come again. */
  subscribe(changed: () => void): () => void {
    this.#changed = changed
    const ends = [
      this.#book.on('lines', (lines) => this.#add(lines)),
      this.#book.on('gone', (lines) => this.#drop(lines)),
      this.#book.on('erased', ({ chat, epoch, from, upTo }) => {
        if (chat === this.#chat) this.#drop(deleted(this.#view.lines, epoch, from, upTo))
      }),
    ]
    this.#loaded = this.#load()
    return () => {
      this.#changed = () => {}
      for (const end of ends) end()
    }
  }

  async more(): Promise<void> {
    await this.#loaded
    const { lines } = this.#view
    const past = this.#past
    this.#asked = Math.max(this.#asked, lines.length)
    const earlier = await past.earlier(this.#book.chat(this.#chat), lines[0])
    // The oldest were let go of meanwhile: what was brought is not what stands before those that are left.
    if (past !== this.#past) return this.more()
    this.#asked += earlier.length
    this.#show([...earlier, ...this.#view.lines])
  }

  /** What was had before is looked at again: it may have gone while nobody listened. */
  async #load(): Promise<void> {
    const meanwhile = new Map<string, Line | null>()
    this.#meanwhile = meanwhile
    const count = Math.max(page, this.#view.lines.length)
    const lines = await this.#book.lines(this.#chat, { count })
    // It was begun anew.
    if (this.#meanwhile !== meanwhile) return this.#loaded
    this.#meanwhile = undefined
    this.#past = this.#book.past(lines[0])
    const newer = [...meanwhile.values()].filter((line) => line !== null)
    this.#show([...lines.filter(({ id }) => meanwhile.get(id) !== null), ...newer])
  }

  #add(lines: readonly Line[]): void {
    for (const line of lines) if (line.chat === this.#chat) this.#meanwhile?.set(line.id, line)
    const [oldest] = this.#view.lines
    // What stands before the first that is shown comes with `more`.
    const here = lines.filter(({ chat, order }) => chat === this.#chat && (!oldest || order >= oldest.order))
    if (here.length > 0) this.#show([...this.#view.lines, ...here])
  }

  #drop(lines: readonly Line[]): void {
    for (const { id } of lines) this.#meanwhile?.set(id, null)
    const gone = new Set(lines.map(({ id }) => id))
    if (this.#view.lines.some(({ id }) => gone.has(id))) this.#show(this.#view.lines.filter(({ id }) => !gone.has(id)))
  }

  /** Of lines with one id the last counts. */
  #show(lines: readonly Line[]): void {
    const byId = new Map(lines.map((line) => [line.id, line]))
    const all = [...byId.values()].sort((a, b) => a.order - b.order)
    this.#view = { lines: this.#bounded(all), over: this.#past.over }
    this.#changed()
  }

  /** The oldest leave, a page of them at a time; `more` brings them again. */
  #bounded(lines: Line[]): Line[] {
    if (lines.length <= this.#asked + page) return lines
    const left = lines.slice(-this.#asked)
    this.#past = this.#book.past(left[0])
    return left
  }
}
