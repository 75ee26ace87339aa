/** Clients that are connected to a host of sessions. */

import { openSettings } from '../../actors/settings.ts'
import { Counts } from '../../src/embed/counts.ts'
import type { Enter } from '../../src/hosts/sessions/entrance.ts'
import { type Address, Session, type SessionsContext } from '../../src/hosts/sessions/session.ts'
import { Sessions } from '../../src/hosts/sessions/sessions.ts'
import type { DeviceId } from '../../src/protocol/ids.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { completeLimits, type Limits } from '../../src/protocol/limits.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { byHand, noting, user } from './byhand.ts'

const limits = { ...completeLimits(), framesPerSecond: 10, sendsInFlight: 3, watches: 2 }
const address: Address = { text: '192.0.2.1', open: 1 }

/** A client at the far end of a socket. */
export class Client extends Session {
  /** What came: WebSocket messages, each with its frames. */
  readonly heard: unknown[][] = []
  /** How the node closed it. */
  closed: readonly [number: number, reason: string] | null = null
  /** False: it does not read what is sent. */
  reads = true

  override send(data: string | Uint8Array): boolean {
    if (this.reads) this.heard.push((typeof data === 'string' ? jsonCodec : msgpackCodec).decode(data))
    return this.reads
  }

  override end(code: number, reason: string): void {
    this.closed = [code, reason]
  }
}

export const aClient = (token: string | null = null, given: Limits = limits, now = 1) =>
  new Client(given, now, jsonCodec, address, token)

/** Tokens are the names of their users. */
const byName: Enter = async (token) =>
  token ? { user: user(token), device: null, expiresIn: null, issuedAt: undefined } : 'bad_token'

/** A host of sessions; what it tells actors, and what it asks them. */
export function hosted(given: Partial<SessionsContext> = {}) {
  const { clock, runtime, turn, pass } = byHand()
  const { router, ...actors } = noting(runtime)
  const { told } = actors
  const context: SessionsContext = {
    runtime,
    router,
    limits,
    heartbeatMs: 30_000,
    enter: byName,
    admit: () => undefined,
    keys: async ({ user }, [kind, ref]) => ['error', 'refused', kind, `${user} ${ref}`, 0, ''],
    life: 0,
    presented: (cursor) => cursor,
    counts: new Counts(),
    ...given,
  }
  const sessions = new Sessions(context)
  const connect = (token: string | null = null) => {
    const client = aClient(token, context.limits, clock.monotonic())
    sessions.open(client)
    return client
  }
  const says = (client: Client, ...frames: unknown[]) =>
    sessions.incoming(client, frames.map((frame) => JSON.stringify(frame)).join('\n'))
  /** The actor of its user takes the client in. */
  const welcome = ({ ref }: Client, seq = 0, siblings = false) =>
    sessions.welcome({
      do: 'welcome',
      session: ref,
      epoch: 7,
      seq,
      tail: 9,
      why: null,
      siblings,
      settings: openSettings,
    })
  /** A client that is in; what was told and heard on the way is forgotten. */
  const enters = async (name: string, device = 'phone', siblings = false) => {
    const client = connect()
    says(client, ['hello', name, device as DeviceId])
    await turn()
    welcome(client, 0, siblings)
    await turn()
    client.heard.length = 0
    told.length = 0
    return client
  }
  return { sessions, clock, ...actors, connect, says, welcome, enters, turn, pass }
}
