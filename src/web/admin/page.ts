/** The page for operators: how the node is, and one user or one message of it. It asks `/metrics` and `/admin/v1`, as any program may. */
import { byId, make } from '../dom.ts'
import { type KnownCluster, showCluster } from './cluster.ts'
import { list } from './facts.ts'
import { everySeconds, History, plots } from './history.ts'
import { button, showMessage, showUser } from './lookups.ts'
import { Reading } from './metrics.ts'
import { AskedNode, Refusal } from './node.ts'
import { drawPlots, inWords } from './plots.ts'

const everyMs = everySeconds * 1_000
/** Names of users that are shown of those who are online. */
const shown = 200
const tokenKey = 'bluetick-operator-token'

const history = new History()
let node = new AskedNode(sessionStorage.getItem(tokenKey) ?? '')
let draw: (() => void) | undefined

async function begin(): Promise<void> {
  try {
    await look()
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return enter('')
    say((error as Error).message, true)
  }
  byId('enter').hidden = true
  byId('node').hidden = false
  draw ??= drawPlots(byId('plots'), history)
  setTimeout(again, everyMs)
}

async function again(): Promise<void> {
  try {
    await look()
  } catch (error) {
    if (error instanceof Refusal && error.status === 403) return enter('The token is not right any more.')
    say(`${(error as Error).message} What is shown is old.`, true)
  }
  setTimeout(again, everyMs)
}

/** Asks for a token, and why where there is something to say. */
function enter(why: string): void {
  byId('node').hidden = true
  byId('enter').hidden = false
  byId('wrong').textContent = why
  byId('wrong').hidden = why === ''
  byId('token').focus()
}

async function look(): Promise<void> {
  const reading = new Reading(await node.metrics(), performance.now())
  const [online, bans, cluster] = await Promise.all([
    node.ask<{ users: string[]; count: number }>('GET', `/online?limit=${shown}`),
    node.ask<{ bans: string[] }>('GET', '/bans'),
    reading.sum('bluetick_cluster_nodes') > 0 ? node.ask<KnownCluster>('GET', '/cluster') : undefined,
  ])
  history.add(reading, Date.now() / 1_000)
  draw?.()
  const isUp = reading.sum('bluetick_store_up') === 1
  say(isUp ? 'The node is ready.' : 'The store cannot be written: /readyz says why.', !isUp)
  showNow()
  showKept(reading)
  showActors(reading)
  showCluster(cluster)
  showOnline(online ?? { users: [], count: 0 })
  showBans(bans?.bans ?? [])
}

function say(words: string, isBad: boolean): void {
  byId('state').textContent = words
  byId('state').className = isBad ? 'bad' : ''
}

const showNow = (): void =>
  list(
    byId('now'),
    plots.flatMap(({ unit, lines }, plot) =>
      lines.map(({ name }, line) => [name, inWords(history.latest(plot, line), unit)]),
    ),
  )

/** Counters that only rise, and what they are called here. */
const kept: readonly (readonly [name: string, words: string])[] = [
  ['bluetick_messages_accepted_total', 'Messages in all'],
  ['bluetick_entered_total', 'Devices that came'],
  ['bluetick_refused_connections_total', 'Connections refused'],
  ['bluetick_refused_frames_total', 'Frames refused'],
  ['bluetick_faults_total', 'Faults'],
]
/** What the supervisors of actors know. */
const supervised: readonly (readonly [name: string, words: string])[] = [
  ['bluetick_users_awake', 'Users awake'],
  ['bluetick_users_hibernated', 'Users hibernated'],
  ['bluetick_groups_awake', 'Groups awake'],
  ['bluetick_actor_wakes_total', 'Actors that woke'],
  ['bluetick_actor_restarts_total', 'Actors that crashed'],
  ['bluetick_dead_letters_total', 'Messages put aside'],
  ['bluetick_mailbox_overflows_total', 'Mailboxes that were full'],
  ['bluetick_inbox_backlog', 'Entries not acknowledged'],
]

function showKept(reading: Reading): void {
  const codes = reading.by('bluetick_refused_frames_total', 'code')
  list(byId('kept'), [
    ...kept.map(([name, words]) => [words, inWords(reading.sum(name), '')] as const),
    ...[...codes].map(([code, count]) => [`Refused as ${code}`, inWords(count, '')] as const),
  ])
}

const showActors = (reading: Reading): void =>
  list(
    byId('actors'),
    supervised.map(([name, words]) => [words, inWords(reading.sum(name), '')]),
  )

function showOnline({ users, count }: { users: readonly string[]; count: number }): void {
  byId('online-count').textContent =
    count > users.length ? `(${count}, of whom ${users.length} are shown)` : `(${count})`
  byId('online').replaceChildren(
    ...users.map((user) =>
      make(
        'li',
        '',
        button(user, () => showUser(node, user)),
      ),
    ),
  )
}

function showBans(users: readonly string[]): void {
  byId('bans-title').hidden = users.length === 0
  byId('bans').replaceChildren(
    ...users.map((user) =>
      make(
        'li',
        '',
        button(user, () => showUser(node, user)),
      ),
    ),
  )
}

byId('enter').onsubmit = (event) => {
  event.preventDefault()
  const token = byId<HTMLInputElement>('token').value.trim()
  node = new AskedNode(token)
  node.metrics().then(
    () => {
      sessionStorage.setItem(tokenKey, token)
      void begin()
    },
    (error: Error) => enter(error.message),
  )
}
byId('leave').onclick = () => {
  sessionStorage.removeItem(tokenKey)
  location.reload()
}
byId('find-user').onsubmit = (event) => {
  event.preventDefault()
  const user = byId<HTMLInputElement>('user').value.trim()
  showUser(node, user).catch((error: Error) => byId('found-user').replaceChildren(error.message))
}
byId('find-message').onsubmit = (event) => {
  event.preventDefault()
  const id = byId<HTMLInputElement>('message').value.trim()
  showMessage(node, id).catch((error: Error) => byId('found-message').replaceChildren(error.message))
}
void begin()
