/** What is written and not sent: kept in its chat a moment after the last key, and when the person goes elsewhere. */
import type { Book, Chat } from '../client/chats/index.ts'

const pauseMs = 500

export class Drafts {
  readonly #book: Book
  #written: { readonly chat: string; readonly text: string } | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(book: Book) {
    this.#book = book
    for (const end of ['pagehide', 'visibilitychange']) document.addEventListener(end, () => void this.keep())
  }

  /** This stands in the field of a chat now. An empty field is kept at once: what was sent is no draft any more. */
  written(chat: string | undefined, text: string): void {
    if (chat === undefined) return
    this.#written = { chat, text }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.keep(), text === '' ? 0 : pauseMs)
  }

  async keep(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#written) await this.#book.draft(this.#written.chat, this.#written.text).catch(() => undefined)
  }

  /** What is to stand in the field of a chat that is opened; the book may still be about to keep it. */
  of({ id, draft }: Chat): string {
    return this.#written?.chat === id ? this.#written.text : draft
  }
}
