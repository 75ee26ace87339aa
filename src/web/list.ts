/** A list of chats in their order, with the last message, its time and what is unread. */
import { type Chat, isMuted, isPinned, newestTime, titleOf } from '../client/chats/index.ts'
import { avatar, icon, make, tick } from './dom.ts'
import { shortened, summary } from './telling.ts'
import { when } from './words.ts'

const muted = 'M6 16v-5a6 6 0 0 1 9.500-4.900M18 10v6l1.500 2H8M10 21h4M4 4l16 16'
const pinned = 'M9 3h6M10 3v6l-3 4h10l-3-4V3M12 13v8'

export class List {
  readonly #me: string
  readonly #list: HTMLElement
  readonly #items = new Map<string, { readonly item: HTMLElement; shown: Chat | undefined; day: string }>()

  /** `menu` shows what one may do about a chat. */
  constructor(me: string, list: HTMLElement, open: (chat: string) => void, menu: (chat: string) => void) {
    this.#me = me
    this.#list = list
    const chatAt = ({ target }: Event) => (target as Element).closest('button')?.dataset['chat']
    list.onclick = (event) => {
      const chat = chatAt(event)
      if (chat !== undefined) open(chat)
    }
    // A right click, a long touch, or the key for it.
    list.oncontextmenu = (event) => {
      const chat = chatAt(event)
      if (chat === undefined) return
      event.preventDefault()
      menu(chat)
    }
    this.#list.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (!step) return
      const buttons = [...this.#list.querySelectorAll('button')]
      buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus()
      event.preventDefault()
    }
  }

  /** Whether the chat is there to have the focus. */
  focus(chat: string): boolean {
    const button = this.#items.get(chat)?.item.querySelector('button')
    if (!button?.checkVisibility()) return false
    button.focus()
    return true
  }

  /**
   * Shows the chats in whose name these words stand; those that did not change are left alone, so that the focus stays where it is. Answers
   * the chat that has lost it: it is drawn anew, or is here no more.
   */
  show(chats: readonly Chat[], open: string | undefined, words: string): string | undefined {
    const shown = chats.filter((chat) => words === '' || titleOf(chat).toLocaleLowerCase().includes(words))
    const now = Date.now()
    const active = document.activeElement?.closest<HTMLElement>('[data-chat]')
    const focused = this.#list.contains(active ?? null) ? active?.dataset['chat'] : undefined
    for (const [id, { item }] of this.#items) {
      if (shown.some((chat) => chat.id === id)) continue
      item.remove()
      this.#items.delete(id)
    }
    shown.forEach((chat, index) => {
      const time = newestTime(chat)
      const day = time > 0 ? when(time, now) : ''
      const known = this.#items.get(chat.id) ?? { item: make('li', ''), shown: undefined, day }
      this.#items.set(chat.id, known)
      if (known.shown !== chat || known.day !== day) known.item.replaceChildren(entry(chat, day, this.#me))
      Object.assign(known, { shown: chat, day })
      const button = known.item.firstElementChild
      if (chat.id === open) button?.setAttribute('aria-current', 'true')
      else button?.removeAttribute('aria-current')
      if (this.#list.children[index] !== known.item)
        this.#list.insertBefore(known.item, this.#list.children[index] ?? null)
    })
    return this.#list.contains(document.activeElement) ? undefined : focused
  }
}

function entry(chat: Chat, time: string, me: string): HTMLElement {
  const { id, last, unread, draft, told } = chat
  const preview = make('span', 'preview')
  if (draft) preview.append(make('span', 'draft', 'Draft: '), shortened(draft))
  else if (last?.mine) preview.append(tick(last.state), ' ', summary(last, me))
  else preview.append(last ? summary(last, me) : told ? 'Loading…' : 'No messages yet')
  const top = make('span', 'row', make('strong', 'name', titleOf(chat)), make('time', '', time))
  const bottom = make('span', 'row', preview)
  if (isMuted(chat)) bottom.append(sign('muted', muted))
  if (isPinned(chat)) bottom.append(sign('pinned', pinned))
  if (unread > 0) {
    const badge = make('span', isMuted(chat) ? 'badge calm' : 'badge', unread > 99 ? '99+' : String(unread))
    badge.append(make('span', 'hidden', unread === 1 ? ' unread message' : ' unread messages'))
    bottom.append(badge)
  }
  const button = make(
    'button',
    unread > 0 ? 'chat unread' : 'chat',
    avatar(titleOf(chat)),
    make('span', 'about', top, bottom),
  )
  button.type = 'button'
  button.dataset['chat'] = id
  return button
}

/** A small drawing beside a chat, with its name for who cannot see it. */
function sign(name: string, shape: string): HTMLElement {
  const element = make('span', 'sign', icon(shape))
  element.setAttribute('role', 'img')
  element.setAttribute('aria-label', name)
  element.title = name
  return element
}
