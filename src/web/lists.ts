/** The chats of the page: those in use, and in a folder below those that were put away. */
import { type Chat, isArchived } from '../client/chats/index.ts'
import { byId, make } from './dom.ts'
import { List } from './list.ts'

export class Lists {
  readonly #list: List
  readonly #archived: List
  readonly #folder = byId<HTMLDetailsElement>('archived')
  #searching = false
  /** A pointer is down on a chat: one that is drawn anew, or moves, under it is not the one that is clicked. */
  #pressed = false
  #later = () => {}

  /** `menu` shows what one may do about a chat. */
  constructor(me: string, open: (chat: string) => void, menu: (chat: string) => void) {
    this.#list = new List(me, byId('chats'), open, menu)
    this.#archived = new List(me, byId('archived-chats'), open, menu)
    for (const list of ['chats', 'archived-chats'])
      byId(list).addEventListener('pointerdown', () => {
        this.#pressed = true
      })
    // The click comes first.
    for (const sign of ['pointerup', 'pointercancel', 'blur'])
      addEventListener(sign, () => this.#pressed && setTimeout(() => this.#released()))
  }

  /** Where a person with a keyboard goes on who has closed a chat. */
  focus(chat: string): void {
    if (!this.#list.focus(chat) && !this.#archived.focus(chat)) byId('peer').focus()
  }

  #released(): void {
    const later = this.#later
    this.#pressed = false
    this.#later = () => {}
    later()
  }

  /** Shows the chats in whose name these words stand: the folder is open while one looks for something. */
  show(chats: readonly Chat[], open: string | undefined, words: string): void {
    if (this.#pressed) {
      this.#later = () => this.show(chats, open, words)
      return
    }
    const [kept, archived]: [Chat[], Chat[]] = [[], []]
    for (const chat of chats) (isArchived(chat) ? archived : kept).push(chat)
    const lost = [this.#list.show(kept, open, words), this.#archived.show(archived, open, words)].find(Boolean)
    const searching = words !== ''
    if (searching !== this.#searching) this.#folder.open = searching
    this.#searching = searching
    this.#folder.hidden = archived.length === 0
    const unread = archived.filter(({ unread }) => unread > 0).length
    byId('archived-unread').hidden = unread === 0
    byId('archived-unread').replaceChildren(String(unread), make('span', 'hidden', ' with unread messages'))
    byId('empty').hidden = chats.length > 0
    if (lost !== undefined) this.focus(lost)
  }
}
