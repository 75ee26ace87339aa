/** Which tokens let no device in any more: those that were made before their device was removed. */
import type { DeviceId, Millis } from '../src/protocol/ids.ts'
import type { Removed, Settings } from '../src/protocol/settings.ts'

/** Removals of a user that are remembered by the device. Those before them still count for every device that the user has not. */
const remembered = 16

/** The settings after a removal. Times rise, also where the clock was set back: the last one is the latest. */
export function withRemoval(settings: Settings, device: DeviceId, now: Millis): Settings {
  const { removals = [] } = settings
  const at = Math.max(now, removals.at(-1)?.at ?? 0)
  const all: Removed[] = [...removals.filter((removed) => removed.device !== device), { device, at }]
  return { ...settings, removals: all.slice(-remembered) }
}

/**
 * Why a device may not come by a token of that time; undefined: it may. `known`: the user has it. A removed one that calls itself
 * something else, where its token names none, is not to be told from one that is new.
 */
export function refusal(
  { removals = [] }: Settings,
  device: DeviceId,
  known: boolean,
  issuedAt: Millis,
): 'removed' | 'bad_token' | undefined {
  // Only a client whose very device was removed is told so: it forgets what it has.
  if (removals.some((removed) => removed.device === device && issuedAt <= removed.at)) return 'removed'
  return !known && issuedAt <= lastRemoval(removals) ? 'bad_token' : undefined
}

const lastRemoval = (removals: readonly Removed[]): Millis => removals.at(-1)?.at ?? Number.NEGATIVE_INFINITY
