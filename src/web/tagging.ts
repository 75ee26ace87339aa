/** Muting, pinning and archiving a chat: what stands in its sheet, and in its menu in the list. */
import { type Book, type Chat, isArchived, isMuted, isPinned, titleOf } from '../client/chats/index.ts'
import { make } from './dom.ts'
import { notice } from './notice.ts'
import { button, closeSheet, openSheet, tried } from './sheet.ts'
import { untilWords } from './words.ts'

const hour = 3_600_000
const always = Number.POSITIVE_INFINITY
/** No date is later. */
const latest = 8.64e15
/** For how long a chat may be muted. */
const spans = [
  [0, 'Off'],
  [8 * hour, 'For 8 hours'],
  [7 * 24 * hour, 'For 1 week'],
  [always, 'Always'],
] as const

export class Tagging {
  readonly #book: Book
  readonly #leave: (chat: string) => void

  /** `leave`: a chat that was put away is not shown any more. */
  constructor(book: Book, leave: (chat: string) => void) {
    this.#book = book
    this.#leave = leave
  }

  menu(id: string): void {
    openSheet(titleOf(this.#book.chat(id)), ...this.choices(id))
  }

  choices(id: string): HTMLElement[] {
    const [book, chat] = [this.#book, this.#book.chat(id)]
    const [pinned, archived] = [isPinned(chat), isArchived(chat)]
    const pin = button(pinned ? 'Unpin' : 'Pin to the top', () =>
      this.#done(book.pin(id, !pinned), pinned ? 'Chat unpinned' : 'Chat pinned'),
    )
    const archive = button(archived ? 'Unarchive' : 'Archive', () => {
      this.#done(book.archive(id, !archived), archived ? 'Chat unarchived' : 'Chat archived')
      if (!archived) this.#leave(id)
    })
    return [this.#mute(chat), pin, archive]
  }

  #mute(chat: Chat): HTMLElement {
    const select = make('select', '')
    const { muted = 0 } = chat.tags
    const until = muted < latest ? muted : always
    const now = isMuted(chat) ? until : 0
    const ends = now > 0 && now < always ? ([[now, `Until ${untilWords(now, Date.now())}`]] as const) : []
    const choices = [...ends, ...spans]
    for (const [value, text] of choices) {
      const option = make('option', '', text)
      Object.assign(option, { value, selected: value === now })
      select.append(option)
    }
    select.onchange = async () => {
      const span = Number(select.value)
      const next = span === now || span === 0 ? span : Date.now() + span
      if (!(await tried(this.#book.mute(chat.id, next || null).then(() => true)))) select.value = String(now)
    }
    return make('label', 'setting wide', 'Mute notifications', select)
  }

  /** It shows already; where the server will not have it, that is said, and it is as before. */
  #done(work: Promise<void>, words: string): void {
    closeSheet()
    notice(words)
    void tried(work)
  }
}
