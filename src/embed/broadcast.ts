/** One message to many users, each in a chat of their own. */
import type { ErrorCode } from '../protocol/codes.ts'
import { isMessageId, type Position } from '../protocol/ids.ts'
import { checkOptions, isAny, type Rule } from '../protocol/options.ts'
import { partId, SendRefused } from './post.ts'
import type { SendAs } from './program.ts'

/** `id`: repeat it on a retry, then each gets the message once. */
export type Broadcast = Omit<SendAs, 'to'> & { readonly to: readonly string[] }

/** What became of the message to one of them: where it stands, or why it was refused. */
export type BroadcastResult = { readonly to: string } & (
  | { readonly at: Position }
  | { readonly code: ErrorCode; readonly retry: boolean }
)

/** Sends that are under way at a time: users who write meanwhile do not wait behind all of them. */
const atOnce = 64
const rules: Record<keyof Broadcast, Rule> = {
  from: isAny,
  body: isAny,
  media: isAny,
  id: isAny,
  to: { words: 'a list of users', fits: Array.isArray },
}

/** Answers for each of them, in their order. */
export async function broadcast(
  send: (message: SendAs) => Promise<Position>,
  message: Broadcast,
): Promise<readonly BroadcastResult[]> {
  checkOptions('broadcast', message, rules, ['from', 'to', 'body'])
  const { to: users, id, ...what } = message
  if (id !== undefined && !isMessageId(id)) throw new SendRefused('bad_id', id)
  const results: BroadcastResult[] = new Array(users.length)
  const left = users.entries()
  const worker = async () => {
    for (const [at, to] of left)
      results[at] = await one(() => send({ ...what, to, ...(id && { id: partId(id, to) }) }), to)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

async function one(send: () => Promise<Position>, to: string): Promise<BroadcastResult> {
  try {
    return { to, at: await send() }
  } catch (error) {
    if (!(error instanceof SendRefused)) throw error
    return { to, code: error.code, retry: error.retry }
  }
}
