/** Clients of the SDK that seal, over the node of a test: what their stories have in common. */
import { expect } from 'vitest'
import { e2ee } from '../../src/client/e2ee/index.ts'
import type { E2ee, E2eeOptions, Unread } from '../../src/client/e2ee/types.ts'
import { type Client, connect, type Incoming, memoryStorage, type Storage } from '../../src/client/index.ts'
import type { Transport } from '../../src/client/transport.ts'
import { type Changed, through } from '../client/e2ee/spoilt.ts'
import { end, url } from './nodes.ts'

export type Sealing = Client & { readonly e2ee: E2ee; readonly unread: Unread[] }
/** `changed`: what its wire makes of frames of the server. `at`: another node than that of the test. */
export type Given = E2eeOptions & {
  device?: string
  storage?: Storage
  transport?: Transport
  changed?: Changed
  at?: string
}

const clients: Client[] = []

/** A client that `closeClients` closes. */
export function ending<Made extends Client>(client: Made): Made {
  clients.push(client)
  return client
}

export async function closeClients(): Promise<void> {
  for (const client of clients.splice(0)) await client.close()
}

/** Closes the clients, and then the node. */
export async function endAll(): Promise<void> {
  await closeClients()
  await end()
}

export function sealing(
  user: string,
  { device = 'phone', storage, transport, changed, at = url, ...options }: Given = {},
): Sealing {
  const way = changed ? through(changed) : transport
  const given = { url: at, token: user, device, storage: storage ?? memoryStorage(), ...(way && { transport: way }) }
  const client = Object.assign(connect({ ...given, e2ee: e2ee(options) }), { unread: [] as Unread[] }) as Sealing
  client.e2ee.on('unreadable', (event) => void client.unread.push(event))
  return ending(client)
}

/** As `sealing`, with its keys at the node. */
export async function enter(user: string, given?: Given): Promise<Sealing> {
  const client = sealing(user, given)
  await client.e2ee.place()
  return client
}

export type Reading = Awaited<ReturnType<typeof reading>>
/** As `enter`, and reads all that comes: `as`, which is its text where nothing else is said. */
export async function reading(user: string, given: Given = {}, as = ({ body }: Incoming) => String(body)) {
  const storage = given.storage ?? memoryStorage()
  const client = sealing(user, { ...given, storage })
  const got: string[] = []
  void (async () => {
    for await (const message of client.messages()) if (!message.change) got.push(as(message))
  })().catch(() => {})
  await client.e2ee.place()
  return { client, got, unread: client.unread, storage }
}

/** Another device of the user lets this one in. */
export async function letIn(client: Sealing, by: Sealing): Promise<void> {
  await by.e2ee.approve(await client.e2ee.code())
  await expect.poll(() => client.e2ee.place(), { timeout: 60_000 }).toBe('linked')
}

export async function link(user: string, by: Sealing, given: Given): Promise<Sealing> {
  const client = await enter(user, given)
  await letIn(client, by)
  return client
}
