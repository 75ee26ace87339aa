/**
 * What a session costs beyond its own memory where it is on another node than its user's actor: two nodes in one process, as far as they
 * forward, and a link between them that packs and unpacks. They have no actors and no sockets: those are the same wherever a session is.
 */
import { toPresence, toUser } from '../actors/addresses.ts'
import type { Accepted } from '../actors/log/types.ts'
import { type LinkFrame, pack, unpack } from '../src/cluster/link/batch.ts'
import type { Link } from '../src/cluster/link/link.ts'
import type { MemberState } from '../src/cluster/types.ts'
import { Proxies } from '../src/forwarding/proxies.ts'
import { Forwarding } from '../src/forwarding/router.ts'
import type { Sessions } from '../src/hosts/sessions/sessions.ts'
import type { DeviceId, UserId } from '../src/protocol/ids.ts'
import { Asks, Durations, type Router, systemClock } from '../src/runtime/index.ts'
import { Wheel } from '../src/runtime/wheel.ts'
import { answer } from './child.ts'
import { startMeter } from './meter.ts'

const shards = 1_024
/** Those that come and leave before the first look, so that code and tables are there. */
const warm = 1_000
/** Until all that was put off is done. */
const ticks = 100

type Node = { readonly life: number; readonly wheel: Wheel; readonly proxies: Proxies; readonly forwarding: Forwarding }

/** One that has all shards, or none of them. `send`: what it has for the other. `keys`: by which it has its users' actors. */
function nodeOf(life: number, home: number, send: (frame: LinkFrame) => boolean, keys: string[] = []): Node {
  const tell = ({ id }: { readonly id: string }, { session }: { readonly session: number }) => {
    keys[session - 1] = id
  }
  const wheel = new Wheel()
  const proxies = new Proxies({ last: 0 })
  const link = { isOpen: true, send, tell: send, hint: send } as unknown as Link
  const rows = Array.from({ length: shards }, (_, shard) => [shard, { shard, owner: home, term: 1 }] as const)
  const spells = life === home ? rows.map(([shard]) => [shard, { term: 1, phase: 'owned' }] as const) : []
  const state = { me: { life }, shards: new Map(rows), spells: new Map(spells) } as unknown as MemberState
  const forwarding = new Forwarding({
    clock: systemClock,
    wheel,
    local: { leads: () => true, tell, tellIfPresent: () => {} } as unknown as Router<Accepted>,
    asks: new Asks<Accepted>(wheel, 10_000, { is: 'refused', code: 'busy' }),
    shards,
    state: () => state,
    links: () => ({ to: () => link }),
    sessions: () => ({ has: () => true }) as unknown as Sessions,
    proxies,
    still: async () => {},
    stills: new Durations(),
    learn: () => {},
  })
  return { life, wheel, proxies, forwarding }
}

/** The node of the sessions, and the one of their users' actors. */
function pair(keys: string[]): { readonly near: Node; readonly home: Node } {
  const overs = [] as Link[]
  const home: Node = nodeOf(2, 2, () => true, keys)
  const near: Node = nodeOf(1, 2, (frame) => {
    const [arrived] = unpack(pack(frame))
    if (arrived) home.forwarding.heard(overs[0] as Link, arrived)
    return true
  })
  overs.push({ tell: () => {} } as unknown as Link)
  return { near, home }
}

const nameOf = (session: number) => Buffer.from(`user-${session}`).toString('latin1') as UserId

/** A session comes, and its person does something. */
function come({ near: { forwarding } }: ReturnType<typeof pair>, session: number): void {
  const user = nameOf(session)
  const device = 'd' as DeviceId
  forwarding.tell(toUser(user), { is: 'attach', session, device, cursor: null })
  forwarding.tellIfPresent(toPresence(user), { is: 'active', session, at: systemClock.monotonic() })
}

/** What was put off is done, and when its person was seen last is saved. */
function settle({ near, home }: ReturnType<typeof pair>): void {
  for (const { wheel } of [near, home]) for (let tick = 0; tick < ticks; tick++) wheel.advance()
  for (const [, { session }] of [...home.proxies.stirring()]) home.proxies.settled(session)
}

const meter = startMeter()
async function heap(): Promise<number> {
  await meter.collect()
  await meter.collect()
  return meter.sample().heap
}

let held: ReturnType<typeof pair> | undefined

async function bytes(sessions: number): Promise<number> {
  const warming = pair([])
  for (let session = 1; session <= warm; session++) come(warming, session)
  settle(warming)
  // Their actors are there, and have the users' ids.
  const nodes = pair(Array.from({ length: sessions }, (_, n) => nameOf(n + 1)))
  held = nodes
  const before = await heap()
  for (let session = 1; session <= sessions; session++) come(nodes, session)
  settle(nodes)
  const after = await heap()
  if (held.home.proxies.size !== sessions)
    throw new Error(`${held.home.proxies.size} sessions are known, not ${sessions}`)
  return (after - before) / sessions
}

answer({ bytes: (sessions: number) => bytes(sessions) })
