/** Leaving: by signing out, or since the server lets this browser in no more. What this browser has of a person goes with them. */
import type { Client, ConnectionStatus } from '../client/index.ts'
import type { Sealing } from './sealing.ts'
import { lock, wipe } from './session.ts'
import { ask } from './sheet.ts'
import { backToEntry } from './way.ts'
import { closedWords } from './words.ts'

/** Milliseconds that the server has to take this browser from the person's devices. */
const farewellMs = 3_000

/** `close` ends all that has something of the person open; `files`: how many wait to be sent; `asksToken`: the server asks for tokens. */
export function leaving(
  me: string,
  client: Client,
  close: () => Promise<void>,
  files: () => number,
  asksToken: boolean,
  sealing: Sealing | undefined,
) {
  const gone = async (words: string) => {
    await close()
    await wipe(me)
    backToEntry(words, '')
  }
  const hear = (connection: ConnectionStatus) => {
    if (connection.is !== 'closed') return
    if (connection.code === 'removed') void gone(closedWords('removed'))
    if (connection.code === 'storage_of_another_user') backToEntry(closedWords(connection.code), me)
  }
  const end = client.on('connection', hear)
  return {
    /** Asks first. */
    signOut: async (): Promise<void> => {
      const waiting = (await client.outbox()).filter(({ state }) => state === 'queued').length + files()
      const keys = (await sealing?.leavingWords()) ?? ''
      ask('Sign out?', signOutWords(waiting, asksToken) + keys, 'Sign out', async () => {
        end()
        await unlinked(client, sealing)
        await gone('')
      })
    },
    /** The token counts no more: who has another one finds everything as it was. */
    ended: (): void => {
      lock(me)
      backToEntry(closedWords('bad_token'), me)
    },
  }
}

function signOutWords(waiting: number, asksToken: boolean): string {
  const lost =
    waiting === 1
      ? '1 message has not been sent yet and will be lost.'
      : `${waiting} messages have not been sent yet and will be lost.`
  const all = 'Your chats will be removed from this browser. They stay on your other devices.'
  // This browser leaves the devices, and what it came in with counts no more.
  const again = asksToken ? ' To sign in here again you need a new token.' : ''
  return `${waiting > 0 ? `${lost} ` : ''}${all}${again}`
}

/** Leaves the person's devices, where the server can be told. */
async function unlinked(client: Client, sealing: Sealing | undefined): Promise<void> {
  const { connection } = client
  if (connection.is !== 'online') return
  const late = new Promise((resolve) => setTimeout(resolve, farewellMs))
  const left = Promise.resolve(sealing?.leave()).then(() => client.removeDevice(connection.device))
  await Promise.race([left.catch(() => undefined), late])
}
