/** Where a request comes from: which page, and which machine. A browser says the first, and nobody need say the second. */
import type { ClockFace } from '../runtime/clock.ts'
import type { Request } from './http.ts'

type Asking = Pick<Request, 'address' | 'header'>

export type OriginRules = {
  /** Tokens are asked for: then a page that has one may come from anywhere, unless `allowed` says from where. */
  readonly asksToken: boolean
  /** Origins of pages that may come beside the node's own. */
  readonly allowed: readonly string[] | undefined
  /** Told why one was refused, at most once a minute: a page cannot see it, so somebody else must. */
  readonly refused: (why: string) => void
}

/** Milliseconds in which whoever runs the node is told of one refusal. */
const tellMs = 60_000

export class Origins {
  readonly #rules: OriginRules
  readonly #clock: ClockFace
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(rules: OriginRules, clock: ClockFace) {
    this.#rules = rules
    this.#clock = clock
  }

  /** Pages of all origins may come. */
  get any(): boolean {
    return this.#rules.asksToken && this.#rules.allowed === undefined
  }

  /** Why this request is refused; undefined: it is not. */
  refusal(request: Asking): string | undefined {
    const why = this.#why(request)
    if (why !== undefined && this.#clock.monotonic() - this.#toldAt >= tellMs) {
      this.#toldAt = this.#clock.monotonic()
      this.#rules.refused(why)
    }
    return why
  }

  #why({ address, header }: Asking): string | undefined {
    const { asksToken, allowed } = this.#rules
    const origin = header('origin')
    if (!asksToken && !isFromHere({ address, header })) return 'A node that asks for no token is for its own machine.'
    if (origin === '' || this.any || allowed?.includes(origin)) return undefined
    if (origin === `http://${header('host')}` || (asksToken && origin === `https://${header('host')}`)) return undefined
    return `Pages of ${origin.slice(0, 200)} may not come here; --allow-origin, or allowOrigins of createNode, lets them.`
  }
}

/**
 * Whether a request is made on this machine, as far as it says. A proxy here that adds no header cannot be told from that: what
 * is open to the loopback is open to whoever comes through it. So only a node that asks nobody for a token takes this for leave.
 * Of a page the name counts, too: one that merely resolves to this machine is another site's.
 */
export function isFromHere({ address, header }: Asking): boolean {
  const local = /^127\.|^::1$|^(0000:){7}0001$|^0000:0000:0000:0000:0000:ffff:7f/.test(address)
  return local && isLoopback(header('host')) && forwarding.every((name) => header(name) === '')
}

/** Headers that a proxy adds, if it adds any. */
const forwarding = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via']

/** Whether a Host header is a name of the loopback. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
