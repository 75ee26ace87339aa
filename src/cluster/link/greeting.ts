/**
 * How two nodes come to trust each other. Each says who it is and what it speaks, with a nonce; then each proves, over both, that it has the
 * secret of the cluster. Nothing else is heeded before that.
 *
 *     dialer: [1, hello, nonce]  server: [1, hello, nonce, proof]  dialer: [1, proof]
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Millis } from '../../protocol/ids.ts'
import type { Clock } from '../../runtime/clock.ts'

/** What a node says of itself. */
export type Hello = {
  readonly name: string
  readonly life: number
  /** The life that it means to reach; 0: it takes any. */
  readonly to: number
  readonly cluster: string
  readonly shards: number
  /** The oldest and the newest version of this protocol that it speaks. */
  readonly versions: readonly [oldest: number, newest: number]
  /** The time of day, as it has it. */
  readonly now: Millis
}

/** This release speaks these. A release speaks the one before its own, so that nodes of both run together. */
export const spoken: readonly [oldest: number, newest: number] = [1, 1]

/** What a greeting needs of its node. */
export interface Greeter {
  readonly clock: Clock
  readonly secret: Uint8Array | null
  /** What this node says to the one of that life; 0: to any. */
  hello(to: number): Hello
  /** Why a node is not let in, in a sentence; null: it is. */
  admits(hello: Hello): string | null
}

/** What comes of what the other side said: `say` goes back to it. */
export type Step = { readonly say?: readonly unknown[] } & (
  | { readonly is: 'goes on' | 'is done' }
  /** `theirs`: it is the other side that refuses. */
  | { readonly is: 'refused'; readonly why: string; readonly theirs: boolean }
)

/** `nonce`: a random UUID. */
type Said = { readonly hello: Hello; readonly nonce: string }

export class Greeting {
  readonly #greeter: Greeter
  readonly #dials: boolean
  readonly #own: Said
  #other: Said | undefined

  /** `to`: the life that is dialed; null: this node was. */
  constructor(greeter: Greeter, to: number | null) {
    this.#greeter = greeter
    this.#dials = to !== null
    this.#own = { hello: greeter.hello(to ?? 0), nonce: greeter.clock.uuid() }
  }

  /** Who is at the other end; undefined: it has not said so yet. */
  get peer(): Hello | undefined {
    return this.#other?.hello
  }

  /** The version that both speak. */
  get version(): number {
    return this.#other ? (versionOf(this.#own.hello, this.#other.hello) ?? 0) : 0
  }

  /** Who dials speaks first. */
  get first(): readonly unknown[] {
    return [packed(this.#own.hello), this.#own.nonce]
  }

  heed([first, nonce, proof]: readonly unknown[]): Step {
    if (typeof first === 'string') return { is: 'refused', why: first, theirs: true }
    if (this.#other) return this.#checked(first, { is: 'is done' })
    const hello = helloOf(first)
    if (!hello || typeof nonce !== 'string') return refused('it does not say who it is')
    this.#other = { hello, nonce }
    const why = differs(this.#own.hello, hello) ?? this.#greeter.admits(hello)
    if (why !== null) return refused(why)
    if (this.#dials) return this.#checked(proof, { is: 'is done', say: [this.#proof('dialer')] })
    return { is: 'goes on', say: [...this.first, this.#proof('server')] }
  }

  #checked(proof: unknown, step: Step): Step {
    const expected = this.#proof(this.#dials ? 'server' : 'dialer')
    const isRight = isBytes(proof) && proof.length === expected.length && timingSafeEqual(proof, expected)
    return isRight ? step : refused('it has another secret')
  }

  /** `by`: who proves, so that one side's proof is not the other's. */
  #proof(by: 'dialer' | 'server'): Uint8Array {
    const { secret } = this.#greeter
    if (!secret) return new Uint8Array(0)
    const sides = this.#dials ? [this.#own, this.#other] : [this.#other, this.#own]
    const hmac = createHmac('sha256', secret).update(by)
    for (const { hello, nonce } of sides as Said[]) hmac.update(JSON.stringify(packed(hello))).update(nonce)
    return Uint8Array.from(hmac.digest())
  }
}

const refused = (why: string): Step => ({ is: 'refused', why, theirs: false, say: [why] })
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

const packed = ({ name, life, to, cluster, shards, versions, now }: Hello): readonly unknown[] => [
  name,
  life,
  to,
  cluster,
  shards,
  ...versions,
  now,
]

/** undefined: it is none. */
function helloOf(fields: unknown): Hello | undefined {
  if (!Array.isArray(fields)) return undefined
  const [name, life, to, cluster, shards, oldest, newest, now] = fields
  const numbers = [life, to, shards, oldest, newest, now]
  if (typeof name !== 'string' || typeof cluster !== 'string' || !numbers.every((one) => Number.isSafeInteger(one)))
    return undefined
  return { name, life, to, cluster, shards, versions: [oldest, newest], now }
}

/** Why two nodes are not of one cluster, in a sentence; null: they are. */
function differs(own: Hello, other: Hello): string | null {
  if (other.cluster !== own.cluster) return `it is of the cluster ${other.cluster}, and this one of ${own.cluster}`
  if (other.shards !== own.shards) return `its keyspace has ${other.shards} shards, and this one's ${own.shards}`
  if (other.to !== 0 && other.to !== own.life) return `it looks for an earlier or a later start of ${own.name}`
  if (versionOf(own, other) === null)
    return `it speaks versions ${other.versions.join(' to ')} of the link's protocol, and this node ${own.versions.join(' to ')}: upgrade one release at a time`
  return null
}

/** The newest that both speak. */
function versionOf(own: Hello, other: Hello): number | null {
  const newest = Math.min(own.versions[1], other.versions[1])
  return newest >= Math.max(own.versions[0], other.versions[0]) ? newest : null
}
