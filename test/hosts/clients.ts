/** Clients that are connected to a host of sessions. Actors only note what they are told, and time goes on by hand. */
import { onTestFinished } from 'vitest'
import type { NodeRouter } from '../../actors/addresses.ts'
import type { Accepted } from '../../actors/log/types.ts'
import { openSettings } from '../../actors/settings.ts'
import type { Enter } from '../../src/hosts/sessions/entrance.ts'
import { type Address, Session, type SessionsContext } from '../../src/hosts/sessions/session.ts'
import { Sessions } from '../../src/hosts/sessions/sessions.ts'
import type { DeviceId, MessageId, Millis, UserId } from '../../src/protocol/ids.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { completeLimits, type Limits } from '../../src/protocol/limits.ts'
import { Asks, type Clock, Router, startRuntime, systemClock } from '../../src/runtime/index.ts'

export const user = (name: string) => name as UserId
export const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}` as MessageId
export const accepted = { is: 'accepted', at: { epoch: 7, seq: 4 }, time: 50 } as const
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
    if (this.reads) this.heard.push(jsonCodec.decode(data))
    return this.reads
  }

  override end(code: number, reason: string): void {
    this.closed = [code, reason]
  }
}

export const aClient = (token: string | null = null, given: Limits = limits, now = 1) =>
  new Client(given, now, jsonCodec, address, token)

/** A clock that goes on by hand, and a runtime that goes by it. */
export function byHand() {
  let now = 1
  const soon: (() => void)[] = []
  const ticks: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    now: () => 1_700_000_000_000 + now,
    monotonic: () => now,
    soon: (run) => void soon.push(run),
    every: (_, run) => {
      ticks.push(run)
      return () => {}
    },
  }
  const runtime = startRuntime({ clock })
  onTestFinished(() => runtime.end())
  /** Until all that was to run soon has run, and all that was promised is kept, or waits for somebody. */
  const turn = async () => {
    do {
      for (const run of soon.splice(0)) run()
      await new Promise((resolve) => setImmediate(resolve))
    } while (soon.length > 0)
  }
  const pass = async (ms: Millis) => {
    for (const end = now + ms; now < end; ) {
      now = Math.min(end, now + 50)
      for (const tick of ticks) tick()
    }
    await turn()
  }
  return { clock, runtime, turn, pass }
}

/** Tokens are the names of their users. */
const byName: Enter = async (token) =>
  token ? { user: user(token), device: null, expiresIn: null, issuedAt: undefined } : 'bad_token'

type Told = [to: string, message: object][]

/** A host of sessions; what it tells actors, and what it asks them, by their addresses. */
export function hosted(given: Partial<SessionsContext> = {}) {
  const { clock, runtime, turn, pass } = byHand()
  const router: NodeRouter = new Router(new Asks<Accepted>(runtime.wheel, 10_000, { is: 'refused', code: 'busy' }))
  const told: Told = []
  const asked: Told = []
  /** Whether mailboxes take more. */
  const mailboxes = { take: true }
  for (const kind of ['user', 'group', 'presence']) {
    const tell = (id: string, message: object) => void told.push([`${kind} ${id}`, message])
    const offer = (id: string, message: object) => {
      if (mailboxes.take) asked.push([`${kind} ${id}`, message])
      return mailboxes.take
    }
    router.lead(kind, {
      tell,
      tellIfPresent: tell,
      hint: tell,
      offer,
      query: async () => {},
      inspect: () => ({}) as never,
    })
  }
  const context: SessionsContext = {
    runtime,
    router,
    limits,
    heartbeatMs: 30_000,
    enter: byName,
    admit: () => undefined,
    life: 0,
    presented: (cursor) => cursor,
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
  /** What was asked as the nth is answered. */
  const answer = (nth: number, said: Accepted) => {
    const [, question] = asked[nth] ?? []
    router.answer((question as { readonly ticket: number }).ticket, said)
  }
  return { sessions, clock, told, asked, mailboxes, connect, says, welcome, enters, answer, turn, pass }
}
