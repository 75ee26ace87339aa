/** Tells of what comes while the page is out of sight: by the title, the badge of the installed page, and where the person allows it the browser. */
import { type Book, isMuted, type Line, titleOf } from '../client/chats/index.ts'
import { summary } from './telling.ts'

/** Whether the person wants to be told; the browser has its own word in that. */
const key = 'notifications'
export const wantsAlerts = (): boolean =>
  localStorage.getItem(key) === 'on' && 'Notification' in globalThis && Notification.permission === 'granted'

/** Asks the browser, where the person wants to be told. Answers whether they will be. */
export async function setAlerts(on: boolean): Promise<boolean> {
  if (on && (!('Notification' in globalThis) || (await Notification.requestPermission()) !== 'granted')) return false
  localStorage.setItem(key, on ? 'on' : 'off')
  return on
}

export class Alerts {
  readonly #me: string
  readonly #open: (chat: string) => void

  constructor(me: string, book: Book, open: (chat: string) => void) {
    this.#me = me
    this.#open = open
    book.on('lines', (lines) => {
      if (document.hidden && wantsAlerts()) this.#tell(book, lines)
    })
  }

  /** So many messages are unread, of chats that may disturb; `place`: what the page shows. */
  count(unread: number, place: string): void {
    document.title = unread > 0 ? `(${unread}) ${place}` : place
    if (!('setAppBadge' in navigator)) return
    const done = unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()
    done.catch(() => undefined)
  }

  /** One for each chat, which the next of it takes the place of. */
  #tell(book: Book, lines: readonly Line[]): void {
    const disturbs = ({ chat, counts }: Line) =>
      counts !== null && book.chat(chat).unread > 0 && !isMuted(book.chat(chat))
    const unread = lines.filter(disturbs)
    for (const line of new Map(unread.map((line) => [line.chat, line])).values()) {
      const alert = new Notification(titleOf(book.chat(line.chat)), { body: summary(line, this.#me), tag: line.chat })
      alert.onclick = () => {
        focus()
        this.#open(line.chat)
        alert.close()
      }
    }
  }
}
