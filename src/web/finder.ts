/** The field above the chats: it finds chats and messages that this browser has, and begins a chat with a name. */
import { type Book, type Line, titleOf } from '../client/chats/index.ts'
import { isUserId } from '../protocol/ids.ts'
import { byId, make, refuse } from './dom.ts'
import { shortened } from './telling.ts'
import { when } from './words.ts'

const pauseMs = 150

export class Finder {
  readonly #book: Book
  readonly #input = byId<HTMLInputElement>('peer')
  readonly #changed: () => void
  readonly #line: (line: Line) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `changed`: other chats are to be listed. `open`, `line`: a chat, or a line of one, is to be shown. */
  constructor(book: Book, changed: () => void, open: (chat: string) => void, line: (line: Line) => void) {
    this.#book = book
    this.#changed = changed
    this.#line = line
    this.#input.oninput = () => {
      changed()
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => void this.#find(), pauseMs)
    }
    byId<HTMLFormElement>('start').onsubmit = (event) => {
      event.preventDefault()
      const name = this.#input.value.trim()
      if (name === '') return
      if (!isUserId(name, this.#input.maxLength) && !book.has(name))
        return refuse(this.#input, `“${name}” is not a valid name.`)
      this.#clear()
      open(name)
    }
  }

  /** What is looked for, in lower case. */
  get words(): string {
    return this.#input.value.trim().toLocaleLowerCase()
  }

  async #find(): Promise<void> {
    const { words } = this
    const lines = words.length < 2 ? [] : await this.#book.find(words)
    if (words !== this.words) return
    byId('found').replaceChildren(...lines.map((line) => this.#item(line)))
    byId('found-title').hidden = lines.length === 0
  }

  #item(line: Line): HTMLElement {
    const title = titleOf(this.#book.chat(line.chat))
    const top = make('span', 'row', make('strong', 'name', title), make('time', '', when(line.time, Date.now())))
    const at = Math.max(0, line.text.toLocaleLowerCase().indexOf(this.words) - 30)
    const text = `${at > 0 ? '…' : ''}${shortened(line.text.slice(at).toWellFormed())}`
    const words = make('span', 'row', make('span', 'preview', `${line.mine ? 'You' : line.from}: ${text}`))
    const button = make('button', 'chat', make('span', 'about', top, words))
    button.type = 'button'
    button.onclick = () => {
      this.#clear()
      this.#line(line)
    }
    return make('li', '', button)
  }

  #clear(): void {
    this.#input.value = ''
    this.#changed()
    void this.#find()
  }
}
