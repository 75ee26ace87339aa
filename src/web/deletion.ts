/** What this person deletes: here at once, elsewhere when the server has it; and what they have deleted on another device. */
import type { Client } from '../client/index.ts'
import type { Book } from './book.ts'
import type { Line } from './line.ts'
import { deleted } from './model.ts'
import { tried } from './sheet.ts'
import type { Talk } from './talk.ts'

export class Deletion {
  readonly #client: Client
  readonly #book: Book

  constructor(client: Client, book: Book) {
    this.#client = client
    this.#book = book
  }

  async line(line: Line): Promise<void> {
    const { id, chat, here, state, mine } = line
    await this.#book.delete(chat, line)
    if (mine) await tried(this.#client.delete({ id, to: chat, copy: here, state }))
    else if (here) await tried(this.#client.delete({ chat, ...here }))
  }

  async chat(chat: string): Promise<void> {
    const done = tried(this.#client.delete(chat))
    await this.#book.delete(chat)
    await done
  }

  /** Takes out what another device has deleted; `shown`: where the chat is open, since lines of a history are not in the book. */
  async elsewhere(chat: string, epoch: number, from: number, upTo: number, shown: Talk | undefined): Promise<void> {
    await this.#book.erase(chat, epoch, from, upTo)
    shown?.drop(deleted(shown.lines, epoch, from, upTo))
  }
}
