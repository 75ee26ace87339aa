/** Posts to a service, signed as the Standard Webhooks say (standardwebhooks.com), with a deadline. */
import { createHmac } from 'node:crypto'
import { type IncomingMessage, Agent as PlainAgent, request as plain } from 'node:http'
import { Agent as SecureAgent, request as secure } from 'node:https'
import type { Millis } from '../protocol/ids.ts'
import { deadline } from '../runtime/index.ts'
import { keysOf, type SigningSecrets } from './webhooks.ts'

type Post = {
  readonly url: string
  readonly secrets: SigningSecrets
  readonly id: string
  /** The time of day, of the machine. */
  readonly now: Millis
  readonly body: string
  readonly deadlineMs: Millis
  readonly signal?: AbortSignal
}

/** What a service answered. Nothing is followed: a redirection is an answer as any. */
export type Answered = {
  readonly status: number
  /** '': there is none. */
  header(name: string): string
  readonly text: string
}

/** Letters of an answer. */
const longest = 64 * 1024
/** A connection that nobody needs is closed after this time: earlier than most servers close theirs, on which the next request would break off. */
const kept = { keepAlive: true, timeout: 4_000 }
/** With `fetch` requests were a third of the CPU of a node with webhooks. */
const ways = {
  'http:': { request: plain, agent: new PlainAgent(kept) },
  'https:': { request: secure, agent: new SecureAgent(kept) },
} as const

/** Rejects where nobody answers in time. All keys sign, one after the other, so that a service can change its own at leisure. */
export function post(what: Post): Promise<Answered> {
  const { url, secrets, id, now, body, deadlineMs, signal } = what
  const timestamp = String(Math.floor(now / 1_000))
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'bluetick',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keysOf(secrets)
      .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
      .join(' '),
  }
  const to = new URL(url)
  const { request, agent } = ways[to.protocol as keyof typeof ways]
  return new Promise((resolve, reject) => {
    const asked = request(to, { method: 'POST', headers, agent })
    let [given, answer]: [Error?, IncomingMessage?] = []
    const giveUp = (why: string) => {
      given = new Error(why)
      // A request that is answered may be over: its connection is another's by then, and nobody would hear the error.
      ;(answer ?? asked).destroy(given)
    }
    const fail = (error: unknown) => {
      // A service may close a connection that it has kept just when the next request comes: then that goes by another one.
      if (asked.reusedSocket && !answer && !given) resolve(post(what))
      else reject(given ?? error)
    }
    const late = () => giveUp(`it did not answer within ${deadlineMs / 1_000} s`)
    // Not AbortSignal.timeout, whose timer stays for its whole time: of 1,000 requests a second there were 15,000.
    const inTime = deadline(deadlineMs, late)
    const ended = () => giveUp('the node ends')
    signal?.addEventListener('abort', ended)
    asked.once('close', () => {
      inTime()
      signal?.removeEventListener('abort', ended)
      // Of one that wants to speak another protocol there is neither an answer nor an error.
      if (!answer) reject(given ?? new Error('it gave no answer'))
    })
    asked.on('error', fail)
    asked.once('response', (response) => {
      answer = response
      read(response).then(resolve, fail)
    })
    if (signal?.aborted) ended()
    else asked.end(body)
  })
}

async function read(response: IncomingMessage): Promise<Answered> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > longest) throw new Error('its answer is too long')
  }
  return { status: response.statusCode ?? 0, header: (name) => String(response.headers[name] ?? ''), text }
}

/** In words; of several addresses that do not answer, each has its own. */
export const reasonOf = (error: unknown): string => {
  const { message, errors } = error as Error & { readonly errors?: readonly Error[] }
  return errors ? errors.map((one) => one.message).join(', ') : message
}
