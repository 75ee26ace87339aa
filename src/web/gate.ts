/** Waits until the server lets a person in. */
import type { Client, ConnectionStatus } from '../client/index.ts'
import { byId } from './dom.ts'
import { backToEntry } from './way.ts'
import { closedWords } from './words.ts'

/** Milliseconds after which a server that does not answer counts as away. */
const awayMs = 4_000

/**
 * Resolves when the server has let the person in; to a sentence, when it does not. Who is `kept`, since they were let in before, need
 * not wait for a server that is away.
 */
export function letIn(client: Client, me: string, kept: boolean): Promise<string | undefined> {
  byId('gate-leave').onclick = () => backToEntry('', '')
  return new Promise((resolve) => {
    const judge = (status: ConnectionStatus) => {
      byId('gate-text').textContent =
        status.is === 'waiting' ? 'The server cannot be reached. Trying again…' : 'Connecting…'
      if (status.is === 'closed') resolve(closedWords(status.code))
      if (status.is === 'online') resolve(status.user === me ? undefined : `This token belongs to ${status.user}.`)
      if (kept && (status.is === 'waiting' || !navigator.onLine)) resolve(undefined)
    }
    client.on('connection', judge)
    judge(client.connection)
    if (kept) setTimeout(() => resolve(undefined), awayMs)
  })
}
