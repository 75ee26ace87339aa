/** Who is an operator. */
import { timingSafeEqual } from 'node:crypto'
import type { Request } from '../gateway/http.ts'
import { isFromHere } from '../gateway/origin.ts'
import { Buckets } from '../hosts/buckets.ts'
import type { Clock } from '../runtime/index.ts'

type Context = {
  readonly token: string | (() => string) | undefined
  /** Nobody is asked for a token: then whoever is on this machine is an operator, where there is none for them. */
  readonly open: boolean
  readonly limits: { readonly wrongTokensPerMinute: number }
  readonly clock: Pick<Clock, 'monotonic'>
}

export class Operators {
  readonly #context: Context
  readonly #attempts: Buckets

  constructor(context: Context) {
    this.#context = context
    this.#attempts = new Buckets(context.limits.wrongTokensPerMinute, 60_000)
  }

  /** Why somebody may not do what operators may; undefined: they may. As of users, too many wrong tokens hold up right ones of that address. */
  refusal(request: Request): 'bad_token' | 'too_many_attempts' | undefined {
    const now = this.#context.clock.monotonic()
    if (this.#attempts.isEmpty(request.address, now)) return 'too_many_attempts'
    if (isOperator(this.#context, request)) return undefined
    // Who shows none tries none.
    if (request.header('authorization')) this.#attempts.take(request.address, now)
    return 'bad_token'
  }
}

/** With a token: whoever bears it. Without: this machine, but no proxy on it (it would bring strangers) and no web page. */
function isOperator({ token, open }: Context, request: Request): boolean {
  if (token === undefined) return open && request.header('origin') === '' && isFromHere(request)
  const given = Buffer.from(request.header('authorization').replace(/^Bearer /i, ''))
  const right = Buffer.from(typeof token === 'string' ? token : token())
  return given.length === right.length && timingSafeEqual(given, right)
}
