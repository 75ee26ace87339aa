/** One user, and one message, as operators see them. */
import { byId, make } from '../dom.ts'
import type { AskedNode } from './node.ts'

type User = {
  readonly user: string
  readonly actor: { readonly status: string; readonly mailbox: number; readonly restarts: number }
  readonly tail: number
  readonly devices: readonly { device: string; connected: boolean; cursor: number; unacknowledged: number }[]
  readonly lastSeen: number | null
}
type Connection = { readonly device: string; readonly address: string }
type Step = { readonly step: string; readonly at: number | null; readonly text: string }

export async function showUser(node: AskedNode, user: string): Promise<void> {
  const at = byId('found-user')
  const name = encodeURIComponent(user)
  const again = () => showUser(node, user)
  const [known, connected, bans] = await Promise.all([
    node.ask<User>('GET', `/users/${name}`),
    node.ask<{ sessions: Connection[] }>('GET', `/users/${name}/sessions`),
    node.ask<{ bans: string[] }>('GET', '/bans'),
  ])
  const sessions = connected?.sessions ?? []
  const banned = bans?.bans.includes(user) === true
  const found = known
    ? [facts(known), devices(known, sessions)]
    : [make('p', '', `Nothing is known of ${user}: nobody has written to them, and they never came.`)]
  const end = button('End their sessions', async () => {
    await node.ask('DELETE', `/users/${name}/sessions`)
    await again()
  })
  end.hidden = sessions.length === 0
  const change = banned
    ? button('Let them in again', async () => {
        await node.ask('DELETE', `/bans/${name}`)
        await again()
      })
    : button('Ban them', () =>
        confirmed(
          `Ban ${user}?`,
          'Their sessions end, and they cannot come in any more. Others can still write to them.',
          'Ban',
          async () => {
            await node.ask('PUT', `/bans/${name}`)
            await again()
          },
        ),
      )
  const erase = button('Erase them', () =>
    confirmed(
      `Erase ${user}?`,
      'All that the node keeps of them goes for good, they leave their groups, and cannot come in any more. What others got from them stays. In files it is gone once the store is compacted.',
      'Erase',
      async () => {
        const erased = await node.ask<{ undone: { group: string; why: string }[] }>('DELETE', `/users/${name}`)
        await again()
        const undone = (erased?.undone ?? []).map(({ group, why }) => `${group} (${why})`)
        if (undone.length > 0)
          throw new Error(
            `They may still be in these groups, with which the node goes on by itself: ${undone.join(', ')}`,
          )
      },
    ),
  )
  erase.hidden = known === undefined
  const title = make('h3', '', banned ? `${user} (banned)` : user)
  at.replaceChildren(make('div', 'found', title, ...found, make('div', 'answers', end, change, erase)))
}

function facts({ actor, tail, devices, lastSeen }: User): HTMLElement {
  const waits = Math.max(0, tail - Math.max(0, ...devices.map(({ cursor }) => cursor)))
  const away = lastSeen === null ? 'not known' : new Date(lastSeen).toLocaleString()
  const rows: readonly (readonly [string, string])[] = [
    ['Actor', actor.status],
    ['In its mailbox', String(actor.mailbox)],
    ['Restarts', String(actor.restarts)],
    ['Entries of the inbox', String(tail)],
    ['On no device yet', String(waits)],
    ['Last seen', devices.some(({ connected }) => connected) ? 'now' : away],
  ]
  const list = make('dl', 'facts')
  list.append(...rows.map(([name, value]) => make('div', '', make('dt', '', name), make('dd', '', value))))
  return list
}

function devices({ tail, devices }: User, sessions: readonly Connection[]): HTMLElement {
  const list = make('ol', 'rows')
  list.append(
    ...devices.map(({ device, connected, cursor, unacknowledged }) => {
      const address = sessions.find((session) => session.device === device)?.address
      const where = connected ? `connected${address ? ` from ${address}` : ''}` : 'away'
      const words = `${where}, has ${cursor} of ${tail}, ${unacknowledged} under way`
      return make('li', '', make('strong', '', device), make('span', 'at', words))
    }),
  )
  return list
}

export async function showMessage(node: AskedNode, id: string): Promise<void> {
  const answer = await node.ask<{ steps: Step[] }>('GET', `/messages/${encodeURIComponent(id)}`)
  const steps = answer?.steps ?? []
  const list = make('ol', 'rows')
  list.append(
    ...steps.map(({ step, at, text }) =>
      make('li', '', make('strong', '', step), make('span', 'at', at ? new Date(at).toLocaleString() : ''), text),
    ),
  )
  const erase = button(
    'Delete for everybody',
    () =>
      confirmed(
        'Delete this message?',
        'It goes from the inboxes and histories of all who have it.',
        'Delete',
        async () => {
          await node.ask('DELETE', `/messages/${encodeURIComponent(id)}`)
          await showMessage(node, id)
        },
      ),
    'found-message',
  )
  const found =
    steps.length > 0
      ? [list, make('div', 'answers', erase)]
      : [make('p', '', 'No message of the last day has that ID.')]
  byId('found-message').replaceChildren(make('div', 'found', ...found))
}

/** `at`: where it says why something was not done. */
export function button(label: string, act: () => Promise<void>, at = 'found-user'): HTMLButtonElement {
  const made = make('button', '', label)
  made.type = 'button'
  made.onclick = () => {
    byId(at).querySelector('[role=alert]')?.remove()
    act().catch((error: Error) => {
      const why = make('p', 'bad', error.message)
      why.setAttribute('role', 'alert')
      byId(at).append(why)
    })
  }
  return made
}

/** Asks before it acts. Resolves when that is done, or is not to be. */
function confirmed(title: string, text: string, yes: string, act: () => Promise<void>): Promise<void> {
  const dialog = byId<HTMLDialogElement>('ask')
  byId('ask-title').textContent = title
  byId('ask-text').textContent = text
  const [no, agree] = [byId<HTMLButtonElement>('ask-no'), byId<HTMLButtonElement>('ask-yes')]
  agree.textContent = yes
  // By the key Escape it closes with what it had.
  dialog.returnValue = ''
  no.onclick = () => dialog.close('')
  agree.onclick = () => dialog.close('yes')
  dialog.showModal()
  no.focus()
  return new Promise((resolve, reject) => {
    dialog.onclose = () => (dialog.returnValue === 'yes' ? act().then(resolve, reject) : resolve())
  })
}
