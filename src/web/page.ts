/** The chat page: who are you, and then your chats. Nothing of anybody is shown before the server has let them in. */
import { isUserId } from '../protocol/ids.ts'
import { address, go } from './address.ts'
import { App } from './app.ts'
import { avatar, byId, make, refuse } from './dom.ts'
import { letIn } from './gate.ts'
import { sealingFor } from './loading.ts'
import { known, remember, tokenOf, wipe } from './session.ts'
import { backToEntry, saidBefore } from './way.ts'
import { closedWords } from './words.ts'

const enter = byId<HTMLFormElement>('enter')
const name = byId<HTMLInputElement>('me')

const again = (): void => location.reload()

enter.onsubmit = (event) => {
  event.preventDefault()
  const me = name.value.trim()
  if (!isUserId(me, name.maxLength)) return refuse(name, 'This name cannot be used: it must not begin with #.')
  void start(me, byId<HTMLInputElement>('token').value.trim() || me, false)
}

/** `kept`: this person was let in before, and has not signed out. */
async function start(me: string, token: string, kept: boolean): Promise<void> {
  removeEventListener('hashchange', again)
  if (address().me !== me) go(me)
  enter.hidden = true
  byId('gate').hidden = false
  const sealing = await sealingFor(me).catch((error: Error) => error)
  if (sealing instanceof Error)
    return backToEntry('What encrypts your messages could not be loaded. Try again when the server can be reached.', me)
  const app = await App.open(me, token, sealing).catch((error: Error) => error)
  if (app instanceof Error)
    return backToEntry(`This browser does not let the page keep anything, so it cannot start: ${app.message}`, me)
  const refused = await letIn(app.client, me, kept)
  if (refused !== undefined) {
    await app.close()
    const { connection } = app.client
    // What nobody can read any more is in the way of whoever comes next.
    const isLost = connection.is === 'closed' && connection.code === 'storage_locked'
    if (isLost || (!tokenOf(me) && !kept)) await wipe(me)
    return backToEntry(refused, me)
  }
  if (app.client.connection.is === 'online') remember(me, token)
  byId('gate').hidden = true
  enter.remove()
  app.show(token)
}

/** The form, with what is to be said about the last time, and who may come in without it. */
function ask(): void {
  const { text, me } = saidBefore()
  byId('said').textContent = text
  byId('said').hidden = text === ''
  name.value = me
  const items = known().map((user) => {
    const button = make('button', 'chat', avatar(user), make('strong', 'name', user))
    button.type = 'button'
    button.onclick = () => void start(user, tokenOf(user) ?? user, true)
    return make('li', '', button)
  })
  byId('known').replaceChildren(...items)
  byId('known-title').hidden = items.length === 0
  // A bookmark that is opened here.
  addEventListener('hashchange', again)
  enter.hidden = false
  // Where a token is what lacks, it is asked for.
  const asksToken = text === closedWords('bad_token')
  if (asksToken) (byId('token').parentElement as HTMLDetailsElement).open = true
  byId(asksToken ? 'token' : 'me').focus()
}

// Only where the browser trusts the connection; elsewhere the page does without.
void navigator.serviceWorker?.register('sw.js').catch(() => undefined)

const { me } = address()
if (me) void start(me, tokenOf(me) ?? me, tokenOf(me) !== undefined)
else ask()
