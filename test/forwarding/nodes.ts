/** Nodes of one cluster in this process, with links and sockets, on a store that they share. */
import { afterEach } from 'vitest'
import { type Client, connect, type Incoming } from '../../src/client/index.ts'
import { type BluetickNode, createNode, type NodeOptions } from '../../src/index.ts'
import { shardOf } from '../../src/runtime/index.ts'
import { shared, type Way } from './shared.ts'

export const shards = 12

export type Member = { readonly name: string; readonly node: BluetickNode; readonly url: string; readonly way: Way }

type Where = Parameters<BluetickNode['listen']>[0]

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Nodes start one after the other. */
export async function cluster(options: Partial<NodeOptions> = {}, leaseMs = 10_000) {
  const wayTo = await shared()
  const secret = 'a secret of thirty-two characters'
  return async (
    name: string,
    own: Partial<NodeOptions> = {},
    where: Where = { port: 0 },
    datacenter = 'dc1',
  ): Promise<Member> => {
    const way = wayTo(datacenter)
    const node = createNode({
      onFault: () => {},
      ...options,
      ...own,
      store: way.store,
      cluster: { name, secret, shards, leaseMs, ...options.cluster, ...own.cluster },
    })
    const { url } = await node.listen(where)
    open.push(() => node.close())
    return { name, node, url, way }
  }
}

/** A user, by number, whose shard is of that number. */
export function userOf(shard: number, nth = 0): string {
  let found = 0
  for (let n = 0; ; n++) if (shardOf(`u${n}`, shards) === shard && found++ === nth) return `u${n}`
}

export type Person = {
  readonly name: string
  readonly client: Client
  readonly got: Incoming[]
  /** Of own messages, by their ids. */
  readonly states: Map<string, string>
  bodies(): unknown[]
}

export function person(name: string, at: Member, device?: string): Person {
  const client = connect({ url: at.url, token: name, ...(device && { device }) })
  open.push(() => client.close())
  const got: Incoming[] = []
  void (async () => {
    for await (const message of client.messages()) {
      got.push(message)
      message.read()
    }
  })().catch(() => {})
  const states = new Map<string, string>()
  client.on('message', ({ id, state }) => void states.set(id, state))
  return { name, client, got, states, bodies: () => got.map(({ body }) => body) }
}
