/** A server at a steady rate, in an open loop, a slice at a time: what it used, and how long ticks took. */
import { type Bed, sleep } from './bed.ts'
import { noTimes, type Times } from './user.ts'
import { observe, rates, type Window } from './window.ts'

/** A quiet and a busy hour of a real service. */
export const lone = [300, 2_000] as const
/** Of these those that a rate tells: to the first tick, to the second, how late the generators were, and the first tick without that. */
const told = ['sent', 'delivered', 'late', 'answered'] as const

export type Slice = Window & { readonly ms: Pick<Times, (typeof told)[number]> }

/** Before a slice counts, so that it is steady. */
const rampMs = 1_000
const loneWarmUpMs = 5_000
/** Above this share of the rate it was held. */
const heldShare = 0.97

/** `seconds` of this rate, and what came of it until all have their receipts. */
export async function slice(bed: Bed, rate: number, body: number, seconds: number): Promise<Slice> {
  const { result, ms } = await during(bed, rate, body, () => observe(bed, () => sleep(seconds * 1_000), false))
  return { ...result, ms }
}

/**
 * So much of the busiest rate that users live at, before anything at such a rate counts: after a closed loop, V8 compiles what a lone message
 * runs anew, for some seconds on other threads, which would count as CPU of the first messages.
 */
export const warmUpLone = (bed: Bed, body: number) => during(bed, Math.max(...lone), body, () => sleep(loneWarmUpMs))

/** Does something while messages go at this rate. */
export async function during<Result>(bed: Bed, rate: number, body: number, work: () => Promise<Result>) {
  await bed.all('pump', () => ({ kind: 'pairs', to: 0, bodyBytes: body, inFlight: 0, rate: rate / bed.size }))
  await sleep(rampMs)
  const result = await work()
  const { ms } = await bed.drain()
  return { result, ms }
}

/** The share of a core that other programs, and other machines of its host, took meanwhile. */
export function disturbance(slice: Slice): number {
  const { otherShare, stealShare } = rates(slice, 1)
  return otherShare + stealShare
}

export type Pace = ReturnType<typeof paceOf>

/** Several slices of one rate as one. */
export function paceOf(rate: number, slices: readonly Slice[]) {
  const ms = noTimes()
  for (const slice of slices) for (const what of told) ms[what].add(slice.ms[what].buckets)
  const { perSecond, cpuUs, kernelUs, mainShare, loopShare, generatorShare, stealShare, otherShare } = mean(slices)
  return {
    perSecond,
    cpuUs,
    kernelUs,
    mainShare,
    loopShare,
    generatorShare,
    stealShare,
    otherShare,
    sentP50: ms.sent.percentile(0.5),
    sentP99: ms.sent.percentile(0.99),
    deliveredP50: ms.delivered.percentile(0.5),
    deliveredP99: ms.delivered.percentile(0.99),
    answeredP50: ms.answered.percentile(0.5),
    lateP50: ms.late.percentile(0.5),
    lateP99: ms.late.percentile(0.99),
    held: perSecond >= rate * heldShare,
  }
}

type Rates = ReturnType<typeof rates>

/** All slices of a rate are equally long and have as many messages. */
function mean(slices: readonly Slice[]): Rates {
  const each = slices.map((slice) => rates(slice, slice.end.delivered - slice.start.delivered))
  const [first] = each
  const keys = Object.keys(first ?? {}) as (keyof Rates)[]
  return Object.fromEntries(
    keys.map((key) => [key, each.reduce((sum, one) => sum + one[key], 0) / each.length]),
  ) as Rates
}
