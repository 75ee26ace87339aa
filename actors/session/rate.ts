/**
 * How fast a device's frames may come. What is done is charged, at so many frames a second; what is refused for now is not: it is
 * told when it may come again, each later than the one before, but none later than the bucket takes to fill. Whoever waits for the
 * latest of these times finds as many frames there as can be, and so gets the whole rate, however many came at once. Whoever has no
 * more than `sendsInFlight` sends without a final answer is refused at most so many in that time: who is refused more is closed.
 */
import type { Millis } from '../../src/protocol/ids.ts'
import { startLanes } from '../lanes.ts'
import type { SessionState } from './state.ts'
import type { SessionLimits } from './types.ts'

/** One frame, in the thousandths that are counted. */
const frame = 1_000
/** Seconds' worth of frames that may come at once. */
const burst = 2
/** As many times what can be refused of a patient device may be: it may send other frames than sends, too. */
const patience = 2

export function refill(state: SessionState, limits: SessionLimits, now: Millis): void {
  const { framesPerSecond } = limits
  const passed = now - state.aliveAt
  state.aliveAt = now
  state.tokens = Math.min(framesPerSecond * burst * frame, state.tokens + passed * framesPerSecond)
  if (state.lanes) state.lanes.refused = Math.max(0, state.lanes.refused - (passed * refusable(limits)) / burst)
}

/** Frames that a patient device has refused while the bucket fills. */
const refusable = ({ framesPerSecond, sendsInFlight }: SessionLimits): number => framesPerSecond * burst + sendsInFlight

export const mayCome = ({ tokens }: SessionState): boolean => tokens >= frame

export function charge(state: SessionState): void {
  state.tokens -= frame
}

export function refund(state: SessionState): void {
  state.tokens += frame
}

/** Milliseconds after which a frame that is refused now may come again. */
export function putOff(state: SessionState, { framesPerSecond }: SessionLimits): Millis {
  state.lanes ??= startLanes()
  state.lanes.refused += frame
  const turn = Math.ceil((state.lanes.refused - Math.min(0, state.tokens)) / framesPerSecond)
  return Math.min(turn, burst * 1_000)
}

/** What is never refused, and more refused than whoever waits as told can have. */
export function floods({ tokens, lanes }: SessionState, limits: SessionLimits): boolean {
  const refused = (lanes?.refused ?? 0) / frame
  return tokens < -limits.framesPerSecond * frame || refused > refusable(limits) * patience
}
