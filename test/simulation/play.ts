/** Plays a world from numbers: the first chooses what kind of world it is, and each what happens next. */
import { check, leaves } from './guarantees.ts'
import { comeBack, settle } from './settle.ts'
import { membership, step } from './steps.ts'
import { take } from './taking.ts'
import { type Options, World } from './world.ts'

export const devices = [
  ['ann', 'phone'],
  ['ben', 'phone'],
  ['cal', 'phone'],
  ['ben', 'laptop'],
] as const
/** Messages that an actor handles in one turn. */
const turns = [1, 3, 128]
/** Messages after which a lap is cut. */
const laps = [1_000, 1, 4]

type Play = Options & {
  readonly devices?: readonly (readonly [string, string])[]
  /** People leave the group, are invited, and join it again. */
  readonly membership?: boolean
  /** Looks at the world once more at its end. */
  readonly after?: (world: World) => void
}

/** A world that is looked at. */
export const begin = (of: readonly (readonly [string, string])[], options: Options = {}): Promise<World> =>
  World.begin(of, { leaves, take }, options)

/** Three worlds of four begin when everybody is connected, and the group is there. */
export async function play(choices: readonly number[], how: Play = {}): Promise<void> {
  const [first = 0] = choices
  const draw = <T>(those: readonly T[], place: number) => those[Math.floor(first / place) % those.length] as T
  const sizes = { turn: draw(turns, 1), lap: draw(laps, 3) }
  const world = await begin(how.devices ?? devices, {
    sizes,
    laps: !how.replicas && draw([true, false], 9),
    media: draw([true, false, false, false], 72),
    ...how,
  })
  try {
    if (first % 4 > 0) await settle(world)
    for (const choice of choices) {
      if (how.membership && choice % 20 === 0) membership(world, Math.floor(choice / 20))
      else await step(world, choice)
    }
    await settle(world)
    if (world.crashed.size > 0) await comeBack(world)
    await check(world)
    how.after?.(world)
  } finally {
    world.end()
  }
}

/** A store of three replicas, which take an append at once, late or never as the first choice draws. */
export function onReplicas(choices: readonly number[]): Promise<void> {
  let seed = choices[0] ?? 0
  const draw = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  return play(choices, { replicas: { draw } })
}

/** Without the second device of a user. */
export const inGroup = (choices: readonly number[], after?: (world: World) => void): Promise<void> =>
  play(choices, { devices: devices.slice(0, 3), membership: true, ...(after && { after }) })
