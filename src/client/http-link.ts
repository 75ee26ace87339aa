/** HTTP requests that bear the token, and are repeated until they get through. */
import type { Clock } from './clock.ts'
import { MediaError } from './errors.ts'

/** Milliseconds before the n-th try after a failure. */
const delays = [300, 1_000, 2_000, 5_000, 10_000] as const
/** An answer that says to come back within this is obeyed; a later one is for the program to decide. */
const patienceMs = 10_000
/** Milliseconds of silence after which a request is given up. */
const silenceMs = 60_000

type Access = { readonly url: string; readonly token: string | (() => string | Promise<string>) }

/** One try. A request that fails, or is silent for too long, throws what `persist` understands. */
export type Attempt = {
  /** Rejects with a MediaError when the answer is a refusal that names no offset. */
  fetch(path: string, init: RequestInit): Promise<Response>
  json<T>(answer: Response): Promise<T>
  chunks(answer: Response): AsyncIterable<Uint8Array<ArrayBuffer>>
}

/** The request did not get through; another try may. */
class Lost extends Error {}
const lost = () => {
  throw new Lost()
}

export class HttpLink {
  readonly #origin: string
  readonly #makeToken: Access['token']
  readonly clock: Clock
  readonly #ended: AbortSignal
  /** Ends the waits of what found no connection. */
  readonly #wakes = new Set<() => void>()
  #token: string | undefined

  /** `ended` aborts when the client ends. */
  constructor({ url, token }: Access, clock: Clock, ended: AbortSignal) {
    this.#origin = url.replace(/^ws(s?:\/\/[^/?#]*).*$/, 'http$1')
    this.#makeToken = token
    this.clock = clock
    this.#ended = ended
  }

  /** There is a connection: nobody waits for one. */
  wake(): void {
    for (const wake of this.#wakes) wake()
  }

  /** Repeats a step until it answers something; waits after a failure, the longer the more there were in a row. */
  async persist<T>(given: AbortSignal | undefined, step: (attempt: Attempt) => Promise<T | undefined>): Promise<T> {
    const signal = AbortSignal.any([given ?? this.#ended, this.#ended])
    let failures = 0
    const through = () => {
      failures = 0
    }
    for (;;) {
      signal.throwIfAborted()
      try {
        const result = await step(this.#attempt(signal, through))
        if (result !== undefined) return result
      } catch (error) {
        signal.throwIfAborted()
        await this.#pause(delayAfter(error, failures), signal, error instanceof Lost)
        failures += 1
      }
    }
  }

  #attempt(signal: AbortSignal, through: () => void): Attempt {
    const silence = new AbortController()
    const either = AbortSignal.any([signal, silence.signal])
    /** Awaits what the link does, for so long. */
    const heard = async <T>(promise: Promise<T>): Promise<T> => {
      const cancel = this.clock.after(silenceMs, () => silence.abort())
      return promise.catch(lost).finally(cancel)
    }
    return {
      fetch: async (path, init) => {
        const answer = await heard(this.#bear(path, { ...init, signal: either }))
        if (!answer.ok && answer.headers.get('upload-offset') === null) throw await heard(refusal(answer))
        through()
        return answer
      },
      json: (answer) => heard(answer.json()),
      async *chunks(answer) {
        const reader = answer.body?.getReader()
        for (;;) {
          const { done, value } = await heard(reader?.read() ?? nothing)
          if (done) return
          through()
          yield value
        }
      },
    }
  }

  /** With the token that was good the last time; where it is no longer, once more with a new one. */
  async #bear(path: string, init: RequestInit): Promise<Response> {
    const ask = async () => {
      const make = this.#makeToken
      this.#token ??= typeof make === 'string' ? make : await make()
      const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${this.#token}` }
      return fetch(this.#origin + path, { ...init, headers })
    }
    const known = this.#token
    const answer = await ask()
    if (answer.status !== 401 || known === undefined || typeof this.#makeToken === 'string') return answer
    this.#token = undefined
    return ask()
  }

  #pause(ms: number, signal: AbortSignal, isLost: boolean): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        signal.removeEventListener('abort', end)
        this.#wakes.delete(end)
        resolve()
      }
      const cancel = this.clock.after(ms, end)
      signal.addEventListener('abort', end)
      if (isLost) this.#wakes.add(end)
    })
  }
}

const nothing = Promise.resolve({ done: true, value: undefined } as const)

/** Milliseconds to wait. Throws what no further try will change. */
function delayAfter(error: unknown, failures: number): number {
  if (error instanceof Lost) return delays[Math.min(failures, delays.length - 1)] as number
  if (error instanceof MediaError && error.retryAfterMs > 0 && error.retryAfterMs <= patienceMs)
    return error.retryAfterMs
  throw error
}

async function refusal(answer: Response): Promise<MediaError> {
  const { error = `http_${answer.status}` } = (await answer.json().catch(() => ({}))) as { error?: string }
  return new MediaError(error, Number(answer.headers.get('retry-after')) * 1_000)
}
