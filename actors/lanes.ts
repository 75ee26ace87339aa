/**
 * The send order from one session to one recipient, also when some sends are refused for now. After such a refusal nothing
 * more goes to that recipient until all that was under way is answered and the earliest refused message comes again; with
 * it a new round begins. A user actor that refused a message refuses what follows it in the same round, so that nothing
 * which was already under way overtakes it.
 */
import type { ErrorCode, RetryCode } from '../src/protocol/codes.ts'
import type { MessageId, Millis, UserId } from '../src/protocol/ids.ts'

/** Why a send was refused for now, when it may come again, and how much later each that follows it may. */
export type Wait = { readonly code: RetryCode; readonly at: Millis; readonly every: Millis }

type Refused = Wait & { readonly id: MessageId; readonly nth: number; readonly last: Millis }
type Lane = { round: number; flying: number; refused: Refused | null }

/**
 * `flying`: sends to all recipients that are not answered yet. `refused`: thousandths of frames that were refused for now and may not come
 * yet. `open`: null while there are none, for a map that is filled and emptied again and again holds what was in it (docs/architecture.md).
 */
export type Lanes = { sends: number; round: number; flying: number; refused: number; open: Map<UserId, Lane> | null }

/** The place of a send: its number in the session, and its round. */
export type Step = { readonly nth: number; readonly round: number }

/** Refusals after which the same send may succeed. */
const forNow: Record<RetryCode, true> = { busy: true, inbox_full: true, rate_limited: true, stale_devices: true }
export const isForNow = (code: ErrorCode): code is RetryCode => Object.hasOwn(forNow, code)

/** Of what is refused together the last is told to come so much later than the first: what may come at once is no more than comes free meanwhile. */
const turnsMs = 2_000
/** Lanes that wait for a refused message. Beyond these the oldest is forgotten. */
const remembered = 1_024

export const startLanes = (): Lanes => ({ sends: 0, round: 1, flying: 0, refused: 0, open: null })

/** Lets a send go; undefined while an earlier one to the same recipient must come first. */
export function enter(lanes: Lanes, to: UserId, id: MessageId): Step | undefined {
  const lane = laneOf(lanes, to)
  if (lane.refused) {
    if (lane.refused.id !== id || lane.flying > 0) return undefined
    lanes.round += 1
    lane.round = lanes.round
    lane.refused = null
  }
  lanes.sends += 1
  lane.flying += 1
  lanes.flying += 1
  return { nth: lanes.sends, round: lane.round }
}

/** A later round, or an earlier place in the same one. */
const isBefore = (step: Step, refused: Step): boolean =>
  step.round > refused.round || (step.round === refused.round && step.nth < refused.nth)

/** Origins with a refused message that are remembered. */
const origins = 1_024

/** By origin, the earliest message of its latest round that was refused for now. */
export type Refusals<Origin> = Map<Origin, Step>

/** Whether an earlier message of the same origin and round was refused for now. */
export function isBehind<Origin>(refusals: Refusals<Origin>, origin: Origin, step: Step): boolean {
  const refused = refusals.get(origin)
  return refused !== undefined && !isBefore(step, refused)
}

export function noteRefusal<Origin>(refusals: Refusals<Origin>, origin: Origin, step: Step, most = origins): void {
  if (isBehind(refusals, origin, step)) return
  refusals.delete(origin)
  refusals.set(origin, step)
  if (refusals.size > most) refusals.delete(refusals.keys().next().value as Origin)
}

/** Whether a send that was let go is behind one that has been refused for now since. */
export function mustWait(lanes: Lanes | null, to: UserId, { nth }: Step): boolean {
  const refused = lanes?.open?.get(to)?.refused
  return refused !== undefined && refused !== null && refused.nth < nth
}

/** A send was refused for now before it went: those to the same recipient wait for it. */
export function hold(lanes: Lanes, to: UserId, id: MessageId, wait: Wait): void {
  lanes.sends += 1
  refuse(lanes, to, id, lanes.sends, wait)
}

/** When what follows a refused send may come, and why not now. Each that asks is later than the one before, within `turnsMs`. */
export function next(lanes: Lanes, to: UserId): Pick<Wait, 'code' | 'at'> {
  const lane = lanes.open?.get(to)
  if (!lane?.refused) return { code: 'busy', at: 0 }
  const { at, every, last } = lane.refused
  lane.refused = { ...lane.refused, at: Math.min(at + every, last) }
  return lane.refused
}

/** A send that was let go is answered. `wait`: it was refused for now. */
export function leave(lanes: Lanes, to: UserId, id: MessageId, nth: number, wait: Wait | null): void {
  const lane = lanes.open?.get(to)
  if (!lane) return
  lane.flying -= 1
  lanes.flying -= 1
  if (wait) refuse(lanes, to, id, nth, wait)
  else if (lane.flying === 0 && !lane.refused) close(lanes, to)
}

function refuse(lanes: Lanes, to: UserId, id: MessageId, nth: number, wait: Wait): void {
  const lane = laneOf(lanes, to)
  if (!lane.refused || nth < lane.refused.nth) lane.refused = { id, nth, ...wait, last: wait.at + turnsMs }
  const open = lanes.open as Map<UserId, Lane>
  if (open.size <= remembered) return
  for (const [oldest, { flying }] of open) if (flying === 0) return void open.delete(oldest)
}

function laneOf(lanes: Lanes, to: UserId): Lane {
  lanes.open ??= new Map()
  const open = lanes.open.get(to)
  if (open) return open
  const lane = { round: lanes.round, flying: 0, refused: null }
  lanes.open.set(to, lane)
  return lane
}

function close(lanes: Lanes, to: UserId): void {
  lanes.open?.delete(to)
  if (lanes.open?.size === 0) lanes.open = null
}
