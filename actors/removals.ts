/** Which tokens let no device in any more: those that were made before their device was removed. */
import type { DeviceId, Millis } from '../src/protocol/ids.ts'
import type { Removed, Settings } from '../src/protocol/settings.ts'

/** Devices of a user that are remembered. Those before them are remembered together, as one that is every device. */
const remembered = 16

/** The settings after a removal. Times rise, also where the clock was set back: the last one is the latest. */
export function withRemoval(settings: Settings, device: DeviceId, now: Millis): Settings {
  const { removals = [] } = settings
  const at = Math.max(now, removals.at(-1)?.at ?? 0)
  const all: Removed[] = [...removals.filter((removed) => removed.device !== device), { device, at }]
  while (all.length > remembered) all.splice(0, 2, { device: null, at: all[1]?.at ?? at })
  return { ...settings, removals: all }
}

/** Whether a token that was made at `issuedAt` is of before the removal of this device, or may be. */
export const isRemoved = ({ removals = [] }: Settings, device: DeviceId, issuedAt: Millis): boolean =>
  removals.some((removed) => (removed.device ?? device) === device && issuedAt <= removed.at)

/** Only a client whose very device was removed is told so: it forgets what it has. */
const wasMeant = ({ removals = [] }: Settings, device: DeviceId): boolean =>
  removals.some((removed) => removed.device === device)

/**
 * Why a device may not come by a token of that time; undefined: it may. `known`: the user has it. A removed one that calls itself
 * something else, where its token names none, is not to be told from one that is new.
 */
export function refusal(
  settings: Settings,
  device: DeviceId,
  known: boolean,
  issuedAt: Millis,
): 'removed' | 'bad_token' | undefined {
  if (isRemoved(settings, device, issuedAt)) return wasMeant(settings, device) ? 'removed' : 'bad_token'
  return !known && issuedAt <= (settings.removals?.at(-1)?.at ?? Number.NEGATIVE_INFINITY) ? 'bad_token' : undefined
}
