/** Who is typing: what this person does is said now and then, and what others do goes by itself. Nothing of it is kept. */
import type { Typing } from '../../protocol/frames.ts'
import type { Millis, UserId } from '../../protocol/ids.ts'
import { type SessionState, say } from './state.ts'
import type { Doing, SessionEffect } from './types.ts'

const names = [null, 'typing', 'recording'] as const

/** Milliseconds before the same is said again; then until what others said is over. */
const repeatMs = 3_000
const lastsMs = 6_000

/** What this person does; called at each key. It would overtake a message that is under way, which ends it when it comes. */
export function typing(state: SessionState, chat: string, doing: Doing, now: Millis, out: SessionEffect[]): void {
  const what = names.indexOf(doing) as Typing
  const { typed } = state
  if (what === 0 ? typed?.chat !== chat : state.outbox.lines.has(chat)) return
  if (typed?.chat === chat && typed.what === what && (what === 0 || now - typed.at < repeatMs)) return
  state.typed = { chat, what, at: now }
  say(state, ['typing', chat as UserId, what], out)
}

/** What another does. It is over when it says so, when a message of theirs comes, and after a while. */
export function heardTyping(
  state: SessionState,
  chat: string,
  what: Typing,
  user: string,
  now: Millis,
  out: SessionEffect[],
): void {
  const key = `${chat}\n${user}`
  const before = state.typists.get(key)?.what ?? 0
  if (what === 0) state.typists.delete(key)
  else state.typists.set(key, { chat, user, what, until: now + lastsMs })
  if (what !== before) out.push({ do: 'tell', name: 'typing', event: { chat, user, doing: names[what] } })
}

/** Ends what is over. */
export function expireTyping(state: SessionState, now: Millis, out: SessionEffect[]): void {
  for (const { chat, user, until } of state.typists.values())
    if (until <= now) heardTyping(state, chat, 0, user, now, out)
}

/** When something is over; Infinity where nothing is. */
export function nextTypingEnd(state: SessionState): Millis {
  let first = Number.POSITIVE_INFINITY
  for (const { until } of state.typists.values()) first = Math.min(first, until)
  return first
}
