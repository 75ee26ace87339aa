/** How an event becomes a request, what its answer means, and where it stays when it is given up. */
import { type NodeRouter, toOutbox } from '../../../actors/addresses.ts'
import type { OutboxMessage } from '../../../actors/outbox/types.ts'
import { type Answered, post, reasonOf } from '../../embed/signed.ts'
import type { WebhookOptions } from '../../embed/webhooks.ts'
import type { ChatId, Position, UserId } from '../../protocol/ids.ts'
import { writeBytes } from '../../protocol/json.ts'
import type { Clock } from '../../runtime/index.ts'
import type { LogStore } from '../../store/contract.ts'
import { type Told, toldBy } from './events.ts'
import type { Outcome, Sent } from './lanes.ts'
import { deadLetters } from './names.ts'
import type { UnreadCounts } from './unread.ts'

type Context = {
  readonly options: WebhookOptions
  readonly store: LogStore
  readonly clock: Clock
  readonly unread: UnreadCounts
  readonly signal: AbortSignal
}

/** How long a service may take. */
const deadlineMs = 15_000
/** What a service may ask for at most by Retry-After, and how long it is left alone when it says that it is gone (410). */
const longestPauseMs = 3_600_000

/** Never rejects. */
export async function send(context: Context, event: Sent): Promise<Outcome> {
  const { clock, signal } = context
  const { url, secrets } = context.options
  try {
    const body = await payloadOf(context, event)
    return outcomeOf(await post({ url, secrets, id: event.id, now: clock.now(), body, deadlineMs, signal }))
  } catch (error) {
    return { is: 'failed', why: reasonOf(error) }
  }
}

function outcomeOf({ status, header }: Answered): Outcome {
  if (status >= 200 && status < 300) return { is: 'sent' }
  const why = `it answered ${status}`
  if (status === 410) return { is: 'failed', why, pauseMs: longestPauseMs }
  const seconds = Number(header('retry-after'))
  return { is: 'failed', why, pauseMs: seconds > 0 ? Math.min(seconds * 1_000, longestPauseMs) : undefined }
}

async function payloadOf(context: Context, { time, body }: Sent): Promise<string> {
  const { type, data } = toldBy(body)
  const more = await moreOf(context, { type, data })
  return JSON.stringify({ type, timestamp: new Date(time).toISOString(), data: { ...data, ...more } }, writeBytes)
}

function moreOf(context: Context, { type, data }: Told): Promise<object> | object {
  if (type === 'message.accepted') return wordsOf(context, data)
  return type === 'message.waiting' ? unreadOf(context, data) : {}
}

/** What was written is not copied into the outbox: what vanished, or was deleted, before it is sent, is not sent. */
async function wordsOf({ store, clock }: Context, { id, to, at }: Told['data']): Promise<object> {
  const [entry] = await store.read(to as UserId, (at as Position).seq, 1, 1, clock.now())
  if (entry?.is !== 'message' || entry.id !== id) return {}
  const { body, media } = entry
  return { body, ...(media && { media }) }
}

/** How many messages of the chat, up to this one, the user has not read on any device. */
async function unreadOf({ unread }: Context, { from, to, group, at }: Told['data']): Promise<object> {
  return { unread: await unread.count(to as UserId, (group ?? from) as ChatId, (at as Position).seq) }
}

/** What is listed of an event that was given up. */
export type DeadWebhook = Told & { readonly id: string; readonly time: string; readonly why: string }

/** Answers whether it is durable. */
export function bury(router: NodeRouter, { id, of, time, body }: Sent, why: string): Promise<boolean> {
  const dead: DeadWebhook = { id, ...toldBy(body), time: new Date(time).toISOString(), why }
  const events = [{ id, body: JSON.stringify(dead) }]
  return new Promise((resolve) =>
    router.ask(
      toOutbox(deadLetters),
      (ticket): OutboxMessage => ({ is: 'record', of, events, again: true, ticket }),
      ({ is }) => resolve(is === 'accepted'),
    ),
  )
}

/** The latest first. */
export async function buried(store: LogStore, now: number, limit: number): Promise<readonly DeadWebhook[]> {
  const record = await store.load(deadLetters)
  if (!record) return []
  const from = Math.max(record.head, record.tail - limit + 1)
  const entries = await store.read(deadLetters, from, limit, Number.MAX_SAFE_INTEGER, now)
  return entries.flatMap((entry) => ('body' in entry ? JSON.parse(String(entry.body)) : [])).reverse()
}
