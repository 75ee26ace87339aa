/**
 * The send order from one session to one recipient, also when some sends are refused for now. After such a refusal nothing
 * more goes to that recipient until all that was under way is answered and the earliest refused message comes again; with
 * it a new round begins. A user actor that refused a message refuses what follows it in the same round, so that nothing
 * which was already under way overtakes it.
 */
import type { ErrorCode, RetryCode } from '../src/protocol/codes.ts'
import type { MessageId, UserId } from '../src/protocol/ids.ts'

type Lane = { round: number; flying: number; refused: { readonly id: MessageId; readonly nth: number } | null }

/** `flying`: sends to all recipients that are not answered yet. */
export type Lanes = { sends: number; round: number; flying: number; readonly open: Map<UserId, Lane> }

/** The place of a send: its number in the session, and its round. */
export type Turn = { readonly nth: number; readonly round: number }

/** Refusals after which the same send may succeed. */
const forNow: Record<RetryCode, true> = { busy: true, inbox_full: true, rate_limited: true }
export const isForNow = (code: ErrorCode): boolean => Object.hasOwn(forNow, code)

/** Lanes that wait for a refused message. Beyond these the oldest is forgotten. */
const remembered = 1_024

export const startLanes = (): Lanes => ({ sends: 0, round: 1, flying: 0, open: new Map() })

/** Lets a send go; undefined while an earlier one to the same recipient must come first. */
export function enter(lanes: Lanes, to: UserId, id: MessageId): Turn | undefined {
  const lane = lanes.open.get(to) ?? { round: lanes.round, flying: 0, refused: null }
  if (lane.refused) {
    if (lane.refused.id !== id || lane.flying > 0) return undefined
    lanes.round += 1
    lane.round = lanes.round
    lane.refused = null
  }
  lanes.open.set(to, lane)
  lanes.sends += 1
  lane.flying += 1
  lanes.flying += 1
  return { nth: lanes.sends, round: lane.round }
}

/** Whether a send that was let go is behind one that has been refused for now since. */
export function mustWait(lanes: Lanes | null, to: UserId, { nth }: Turn): boolean {
  const refused = lanes?.open.get(to)?.refused
  return refused !== undefined && refused !== null && refused.nth < nth
}

/** A send was refused for now before it went: those to the same recipient wait for it. */
export function hold(lanes: Lanes, to: UserId, id: MessageId): void {
  lanes.sends += 1
  refuse(lanes, to, id, lanes.sends)
}

/** A send that was let go is answered. `again`: it was refused for now. */
export function leave(lanes: Lanes, to: UserId, id: MessageId, nth: number, again: boolean): void {
  const lane = lanes.open.get(to)
  if (!lane) return
  lane.flying -= 1
  lanes.flying -= 1
  if (again) refuse(lanes, to, id, nth)
  else if (lane.flying === 0 && !lane.refused) lanes.open.delete(to)
}

function refuse(lanes: Lanes, to: UserId, id: MessageId, nth: number): void {
  const lane = lanes.open.get(to) ?? { round: lanes.round, flying: 0, refused: null }
  if (!lane.refused || nth < lane.refused.nth) lane.refused = { id, nth }
  lanes.open.set(to, lane)
  if (lanes.open.size <= remembered) return
  for (const [oldest, { flying }] of lanes.open) if (flying === 0) return void lanes.open.delete(oldest)
}
