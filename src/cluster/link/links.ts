/**
 * The links of a node: one to each other member. The older life dials the younger one, so that there is one of each pair; a link that
 * closes is dialed again, a little later each time.
 */
import type { Millis } from '../../protocol/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { MemberRow } from '../../store/contract.ts'
import type { LinkFrame } from './batch.ts'
import { type Hello, spoken } from './greeting.ts'
import { dial, type LinkTls, type Serving, serve, type WireEvents } from './grpc.ts'
import { Link, type LinkHost, type Wire } from './link.ts'
import { type Met, meet } from './meeting.ts'
import { Pace } from './pace.ts'

export type LinkOptions = {
  readonly clock: Clock
  readonly name: string
  readonly life: number
  /** The name of the cluster, and into how many shards its keyspace is cut: others of another are refused. */
  readonly cluster: string
  readonly shards: number
  /** Where to listen. Off the loopback it needs a secret or TLS. Port 0: any that is free. */
  readonly host: string
  readonly port: number
  /** The same on all nodes, 32 bytes or more. It proves who a peer is when a link opens, and encrypts nothing. */
  readonly secret: Uint8Array | null
  /** Encrypts links, and lets in only who has a certificate of the cluster's authority. */
  readonly tls: LinkTls | null
}

/** Who uses the links. */
export interface LinkUser {
  /** What each beat carries. */
  beat(): readonly unknown[]
  /** Whether that life is known to be dead: it is not let in. */
  isDead(life: number): boolean
  opened(link: Link): void
  heard(link: Link, frame: LinkFrame): void
  /** Whether nobody waits for a frame that is sent. */
  isPatient(frame: LinkFrame): boolean
  beaten(link: Link, fields: readonly unknown[]): void
  /** A link that was open has closed. */
  lost(link: Link, why: string): void
  /** A sentence for whoever runs the node. */
  warned(text: string): void
}

class LinkError extends Error {
  override readonly name = 'LinkError'
}

/** Bytes of a secret that nobody guesses. */
const secretBytes = 32
const tickMs = 1_000
const [firstRetryMs, lastRetryMs] = [200, 5_000]
/** Clocks that are further apart make the times of messages look wrong. */
const clockMs = 2_000

const isLoopback = (host: string): boolean => /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)

/** A peer that is dialed, until it is no member any more. */
type Dialed = { readonly row: MemberRow; failed: number; nextAt: Millis; busy: boolean }

export class Links {
  readonly #options: LinkOptions
  readonly #user: LinkUser
  readonly #host: LinkHost
  readonly #open = new Map<number, Link>()
  /** Those that greet, too, and which life each has dialed. */
  readonly #all = new Map<Link, number | null>()
  readonly #dialed = new Map<number, Dialed>()
  readonly #warned = new Set<string>()
  #serving: Serving | undefined
  #stopTicks = () => {}
  #over = false

  /** Throws a LinkError where the options cannot be. */
  constructor(options: LinkOptions, user: LinkUser) {
    check(options)
    this.#options = options
    this.#user = user
    const { clock, secret } = options
    this.#host = {
      clock,
      secret,
      pace: new Pace(clock),
      hello: (to) => this.#hello(to),
      admits: (hello) => this.#admits(hello),
      beat: () => user.beat(),
      opened: (link) => this.#opened(link),
      heard: (link, frame) => user.heard(link, frame),
      isPatient: (frame) => user.isPatient(frame),
      beaten: (link, fields) => user.beaten(link, fields),
      closed: (link, why, refused) => this.#closed(link, why, refused),
    }
  }

  /** Listens; resolves with the port. Rejects with a LinkError that says what to do. */
  async listen(): Promise<number> {
    const { host, port, tls, clock } = this.#options
    try {
      this.#serving = await serve(host, port, tls, (wire) => this.#stream(wire, null))
    } catch (cause) {
      const text = `Links cannot listen on ${host}:${port} (${(cause as Error).message}); choose another port, or stop what has it.`
      throw new LinkError(text, { cause })
    }
    this.#stopTicks = clock.every(tickMs, () => this.#tick())
    return this.#serving.port
  }

  close(): void {
    this.#over = true
    this.#stopTicks()
    this.#dialed.clear()
    for (const link of this.#all.keys()) link.close('this node closes')
    this.#serving?.close()
  }

  /** Whether a member takes this node for one of its cluster. */
  meet(row: MemberRow): Promise<Met> {
    return meet(this.#host, row, this.#options.tls)
  }

  /** The open link to that life. */
  to(life: number): Link | undefined {
    return this.#open.get(life)
  }

  get open(): readonly Link[] {
    return [...this.#open.values()]
  }

  /** These are the members now: links to those that are new, and none to those that are gone. */
  keep(members: readonly MemberRow[]): void {
    const lives = new Map(members.map((row) => [row.life, row]))
    for (const life of this.#dialed.keys()) if (!lives.has(life)) this.#dialed.delete(life)
    for (const row of members)
      if (row.life > this.#options.life && !this.#dialed.has(row.life))
        this.#dialed.set(row.life, { row, failed: 0, nextAt: 0, busy: false })
    for (const [life, link] of this.#open) if (!lives.has(life) && this.#user.isDead(life)) link.close('it is dead')
    this.#dial()
  }

  #tick(): void {
    for (const link of this.#all.keys()) link.tick()
    this.#dial()
  }

  #dial(): void {
    const now = this.#options.clock.monotonic()
    for (const [life, dialed] of this.#dialed) {
      if (dialed.busy || dialed.nextAt > now) continue
      dialed.busy = true
      dialed.nextAt = now + Math.min(lastRetryMs, firstRetryMs * 2 ** dialed.failed)
      dialed.failed += 1
      dial(dialed.row.link, this.#options.tls, (wire) => this.#stream(wire, life)).catch(({ message }: Error) => {
        dialed.busy = false
        this.#warn(`no link with ${dialed.row.name} at ${dialed.row.link}: ${message}`)
      })
    }
  }

  #stream(wire: Wire, to: number | null): WireEvents {
    const link = new Link(this.#host, wire, to)
    this.#all.set(link, to)
    if (this.#over) link.close('this node closes')
    return {
      received: (batch) => link.received(batch),
      drained: () => link.drained(),
      ended: (why) => link.close(why),
    }
  }

  #hello(to: number): Hello {
    const { name, life, cluster, shards, clock } = this.#options
    return { name, life, to, cluster, shards, versions: spoken, now: clock.now() }
  }

  #admits({ name, life }: Hello): string | null {
    if (this.#user.isDead(life)) return `this start of ${name} was marked dead: start it anew`
    return life === this.#options.life ? 'it is this node itself' : null
  }

  #opened(link: Link): void {
    const { life, name, now } = link.peer as Hello
    const dialed = this.#dialed.get(life)
    if (dialed) dialed.failed = 0
    // The other side has given up the one before.
    this.#open.get(life)?.close('another link took its place')
    this.#open.set(life, link)
    const apart = Math.abs(now - this.#options.clock.now())
    if (apart > clockMs)
      this.#warn(`the clocks of ${name} and of this node are ${Math.round(apart / 1_000)} s apart: set them`)
    this.#user.opened(link)
  }

  #closed(link: Link, why: string, refused: boolean): void {
    const to = this.#all.get(link) ?? null
    this.#all.delete(link)
    const dialed = to === null ? undefined : this.#dialed.get(to)
    if (dialed) dialed.busy = false
    const { peer } = link
    const isOpen = peer !== undefined && this.#open.get(peer.life) === link
    const name = dialed ? `${dialed.row.name} at ${dialed.row.link}` : (peer?.name ?? 'a node')
    if (refused || (dialed && !isOpen)) this.#warn(`no link with ${name}: ${why}`)
    if (!isOpen) return
    this.#open.delete(peer.life)
    this.#user.lost(link, why)
  }

  /** Each sentence once: it is tried again and again. */
  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size > 100) return
    this.#warned.add(text)
    this.#user.warned(text)
  }
}

function check({ host, port, secret, tls }: LinkOptions): void {
  if (secret && secret.length < secretBytes)
    throw new LinkError(
      `The secret of a cluster has ${secretBytes} bytes at least: make one with: openssl rand -hex 32`,
    )
  if (isLoopback(host) || secret || tls) return
  const text = `Links on ${host}:${port} would take anybody for a node of the cluster: give all nodes the same secret, or certificates`
  throw new LinkError(`${text}, or listen on the loopback.`)
}
