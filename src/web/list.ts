/** The list of chats: the newest first, with the last message, its time and what is unread. */
import { type Chat, titleOf } from '../client/chats/index.ts'
import { avatar, byId, make, tick } from './dom.ts'
import { shortened, summary } from './telling.ts'
import { when } from './words.ts'

export class List {
  readonly #me: string
  readonly #list = byId('chats')
  readonly #empty = byId('empty')
  readonly #items = new Map<string, { readonly item: HTMLElement; shown: Chat | undefined; day: string }>()

  constructor(me: string, open: (chat: string) => void) {
    this.#me = me
    this.#list.onclick = ({ target }) => {
      const chat = (target as Element).closest('button')?.dataset['chat']
      if (chat !== undefined) open(chat)
    }
    this.#list.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (!step) return
      const buttons = [...this.#list.querySelectorAll('button')]
      buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus()
      event.preventDefault()
    }
  }

  /** Where a person with a keyboard goes on who has closed a chat. */
  focus(chat: string): void {
    const button = this.#items.get(chat)?.item.querySelector('button') ?? byId('peer')
    button.focus()
  }

  /** Shows the chats in whose name these words stand; those that did not change are left alone, so that the focus stays where it is. */
  show(chats: readonly Chat[], open: string | undefined, words: string): void {
    const shown = chats.filter((chat) => words === '' || titleOf(chat).toLocaleLowerCase().includes(words))
    const now = Date.now()
    const focused = document.activeElement?.closest<HTMLElement>('[data-chat]')?.dataset['chat']
    for (const [id, { item }] of this.#items) {
      if (shown.some((chat) => chat.id === id)) continue
      item.remove()
      this.#items.delete(id)
    }
    shown.forEach((chat, index) => {
      const day = chat.last ? when(chat.last.time, now) : ''
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
    this.#empty.hidden = chats.length > 0
    if (focused !== undefined && !this.#list.contains(document.activeElement)) this.focus(focused)
  }
}

function entry(chat: Chat, time: string, me: string): HTMLElement {
  const { id, last, unread, draft } = chat
  const preview = make('span', 'preview')
  if (draft) preview.append(make('span', 'draft', 'Draft: '), shortened(draft))
  else if (last?.mine) preview.append(tick(last.state), ' ', summary(last, me))
  else preview.append(last ? summary(last, me) : 'No messages yet')
  const top = make('span', 'row', make('strong', 'name', titleOf(chat)), make('time', '', time))
  const bottom = make('span', 'row', preview)
  if (unread > 0) {
    const badge = make('span', 'badge', unread > 99 ? '99+' : String(unread))
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
