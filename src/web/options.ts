/** What one may do about a message: see who has it, and delete it. */
import { isGroup, type Line } from '../client/chats/index.ts'
import { byId, make } from './dom.ts'
import { notice } from './notice.ts'
import { ask, button, closeSheet, openSheet } from './sheet.ts'
import { summary } from './telling.ts'
import { leftWords, lifetimeWords } from './words.ts'

export type Acts = {
  readonly ticks: (line: Line) => void
  readonly delete: (line: Line) => void
  readonly takeBack: (line: Line) => void
}

export function showOptions(line: Line, me: string, acts: Acts): void {
  const remove = button('Delete for me', () =>
    ask('Delete this message?', 'It will be deleted on all your devices. Others keep it.', 'Delete', () =>
      acts.delete(line),
    ),
  )
  const act = (call: (line: Line) => void) => () => {
    closeSheet()
    call(line)
  }
  const copy = line.text ? [button('Copy text', act(copyText))] : []
  remove.classList.add('danger')
  const ticks = line.mine && isGroup(line.chat) && line.at ? [button('Message info', () => acts.ticks(line))] : []
  const last = line.state === 'queued' ? button('Take back', act(acts.takeBack)) : remove
  openSheet(
    'Message',
    make('blockquote', '', summary(line, me)),
    ...lasting(line),
    ...sealed(line),
    ...copy,
    ...ticks,
    last,
  )
  byId('info').querySelector('button')?.blur()
}

function copyText({ text }: Line): void {
  navigator.clipboard.writeText(text).then(
    () => notice('Copied'),
    () => notice('This browser does not let the page copy.'),
  )
}

const sealed = ({ sealed, media }: Line): HTMLElement[] =>
  sealed
    ? [make('p', 'words', media ? 'The text was encrypted, and the file was not.' : 'This message was encrypted.')]
    : []

function lasting({ lifetime, expires }: Line): HTMLElement[] {
  if (expires !== null) return [make('p', 'words', `Disappears in ${leftWords(expires - Date.now())}.`)]
  return lifetime === 'default' ? [] : [make('p', 'words', `In this chat ${lifetimeWords(lifetime)}.`)]
}
