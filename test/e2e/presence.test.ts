/** What who watches is told, however slow the store is: the answer and what follows it have one order. */
import { afterEach, expect, it } from 'vitest'
import { type Client, connect, type Presence } from '../../src/client/index.ts'
import { createNode, memoryStore, type Store } from '../../src/index.ts'

let node: ReturnType<typeof createNode>
let url: string
const clients: Client[] = []
async function start(store: Store): Promise<void> {
  node = createNode({ store, onlineMs: 0 })
  url = (await node.listen({ port: 0 })).url
}
function enter(user: string): Client {
  const client = connect({ url, token: user })
  clients.push(client)
  return client
}
function watching(client: Client, user: string): Presence[] {
  const seen: Presence[] = []
  client.watch(user, (presence) => seen.push(presence))
  return seen
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await node.close()
})

/** A gate that calls pass when it is open. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  let arrived = () => {}
  const reached = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const pass = () => {
    arrived()
    return opened
  }
  return { open, pass, reached }
}

it('a watch that comes while the other is attaching is told when they are here', async () => {
  const store = memoryStore()
  const inbox = gate()
  const load: Store['load'] = async (user) => {
    if (user === 'bob') await inbox.pass()
    return store.load(user)
  }
  await start({ ...store, load })
  enter('bob')
  await inbox.reached
  const seen = watching(enter('alice'), 'bob')
  await expect.poll(() => seen.length).toBe(1)
  inbox.open()
  await expect.poll(() => seen.at(-1)).toEqual({ online: true })
})

it('a watch whose presence the store does not answer for is answered when it does', async () => {
  const store = memoryStore()
  let failures = 0
  const lastSeen: Store['lastSeen'] = async (user) => {
    if (user === 'bob' && failures++ === 0) throw new Error('no answer')
    return store.lastSeen(user)
  }
  await start({ ...store, lastSeen })
  const seen = watching(enter('alice'), 'bob')
  await expect.poll(() => seen).toEqual([{ online: false }])
})
