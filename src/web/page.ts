/** The chat page: who are you, and then your chats. */
import { isUserId } from '../protocol/ids.ts'
import { address, go } from './address.ts'
import { App } from './app.ts'
import { byId, refuse } from './dom.ts'
import { notice } from './notice.ts'

const enter = byId<HTMLFormElement>('enter')

const name = byId<HTMLInputElement>('me')

enter.onsubmit = (event) => {
  event.preventDefault()
  const me = name.value.trim()
  if (!isUserId(me, name.maxLength)) return refuse(name, 'There can be no such name.')
  const token = byId<HTMLInputElement>('token').value.trim()
  if (token) sessionStorage.setItem('token', token)
  go(me)
  void start(me)
}

async function start(me: string): Promise<void> {
  enter.hidden = true
  try {
    await App.start(me, sessionStorage.getItem('token') || me)
  } catch (error) {
    enter.hidden = false
    notice(`This browser lets no page keep anything here: ${(error as Error).message}`)
  }
}

// Only where the browser trusts the connection; elsewhere the page does without.
void navigator.serviceWorker?.register('sw.js').catch(() => undefined)

const { me } = address()
if (me) void start(me)
else {
  enter.hidden = false
  byId('me').focus()
}
