/** Typing: fire and forget. It goes by the presence actor of who types, to those who watch them and are meant. */
import type { Typing } from '../src/protocol/frames.ts'
import type { Millis, UserId } from '../src/protocol/ids.ts'

/** What a device said last. */
export type Typed = { readonly chat: UserId; readonly what: Typing; readonly at: Millis }

/** The same again within this time is not passed on: it counts for some seconds with those who heard it. */
const coalesceMs = 2_000

/** Whether what a device says is news, after what it said last. */
export const isNews = (last: Typed | null, chat: UserId, what: Typing, now: Millis): boolean =>
  last?.chat !== chat ? what !== 0 : last.what !== what || (what !== 0 && now - last.at >= coalesceMs)
