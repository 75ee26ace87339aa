/** What one may do about a message: see who has it, and delete it. */
import { isGroup, type Line } from '../client/chats/index.ts'
import { byId, make } from './dom.ts'
import { ask, button, openSheet } from './sheet.ts'
import { summary } from './telling.ts'
import { leftWords, lifetimeWords } from './words.ts'

export type Acts = { readonly ticks: (line: Line) => void; readonly delete: (line: Line) => void }

export function showOptions(line: Line, me: string, acts: Acts): void {
  const remove = button('Delete for me', () =>
    ask('Delete this message?', 'It goes from all your devices. The other side keeps it.', 'Delete', () =>
      acts.delete(line),
    ),
  )
  remove.classList.add('danger')
  const ticks = line.mine && isGroup(line.chat) && line.at ? [button('Who has it', () => acts.ticks(line))] : []
  const sent = line.state === 'queued' ? [make('p', 'words', 'It waits to be sent. Then it can be deleted.')] : [remove]
  openSheet('Message', make('blockquote', '', summary(line, me)), ...lasting(line), ...ticks, ...sent)
  byId('info').querySelector('button')?.blur()
}

function lasting({ lifetime, expires }: Line): HTMLElement[] {
  if (expires !== null) return [make('p', 'words', `It vanishes in ${leftWords(expires - Date.now())}.`)]
  return lifetime === 'default' ? [] : [make('p', 'words', `In this chat ${lifetimeWords(lifetime)}.`)]
}
