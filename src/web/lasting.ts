/** How long the messages of a chat stay, and deleting it: what stands in the sheet of a person and of a group. */
import type { Client, Lifetime } from '../client/index.ts'
import { make } from './dom.ts'
import { ask, button, tried } from './sheet.ts'
import { choiceWords, lifetimes } from './words.ts'

/** A choice of how long messages stay from now on. */
export function lifetimeChoice(client: Client, chat: string, now: Lifetime): HTMLElement {
  const select = make('select', '')
  for (const lifetime of lifetimes.includes(now) ? lifetimes : [...lifetimes, now]) {
    const option = make('option', '', choiceWords(lifetime))
    Object.assign(option, { value: lifetime, selected: lifetime === now })
    select.append(option)
  }
  select.onchange = async () => {
    if (!(await tried(client.setLifetime(chat, select.value as Lifetime)))) select.value = now
  }
  return make('label', 'setting wide', 'Keep new messages (for everyone in this chat)', select)
}

/** Asks first. */
export function deleteChat(title: string, others: string, act: () => void): HTMLElement {
  const made = button('Delete chat', () =>
    ask(`Delete the chat with ${title}?`, `It will be deleted on all your devices. ${others}`, 'Delete', act),
  )
  made.classList.add('danger')
  return made
}
