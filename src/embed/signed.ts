/** Posts to a service, signed as the Standard Webhooks say (standardwebhooks.com), with a deadline. */
import { createHmac } from 'node:crypto'
import type { Millis } from '../protocol/ids.ts'
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

/** Rejects where nobody answers in time. All keys sign, one after the other, so that a service can change its own at leisure. */
export function post({ url, secrets, id, now, body, deadlineMs, signal }: Post): Promise<Response> {
  const timestamp = String(Math.floor(now / 1_000))
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'bluetick',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keysOf(secrets)
      .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
      .join(' '),
  }
  const late = AbortSignal.timeout(deadlineMs)
  return fetch(url, {
    method: 'POST',
    headers,
    body,
    redirect: 'manual',
    signal: signal ? AbortSignal.any([late, signal]) : late,
  })
}

/** What `fetch` keeps in its cause. */
export function reasonOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && cause.message ? cause.message : message
}
