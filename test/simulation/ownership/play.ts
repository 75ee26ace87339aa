/** One world from its seed: nodes start, end, stand still, sleep and are cut off, while requests are late and lost and clocks run apart. */
import type { Process } from './process.ts'
import type { Mutant } from './types.ts'
import { Broken, World } from './world.ts'

const names = ['a', 'b', 'c', 'd']
const shards = 5

/** Throws a Broken that names the seed. */
export function play(seed: number, mutant: Mutant = {}): World {
  try {
    return whole(seed, mutant)
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    throw new Broken(`seed ${seed}: ${error.message}`, { cause: error })
  }
}

function whole(seed: number, mutant: Mutant): World {
  const world = new World(seed, shards, mutant)
  const { chance } = world
  const size = 2 + chance.below(3)
  // A machine that sleeps while its clock is set back could not know that it did.
  const sleeps = chance.is(0.5)
  const calm = chance.is(0.3)
  for (const name of names.slice(0, size)) {
    const { clocks } = world.start(name)
    clocks.rate = 0.87 + 0.26 * chance.next()
    clocks.offMs = (chance.next() - 0.5) * 60_000
  }
  for (let step = 0; step < 1_000; step++) {
    if (step === 100) world.ill = !calm
    disturb(world, sleeps)
    world.step(chance.next() * 250)
    for (const process of world.processes.values()) world.work(process)
  }
  settle(world)
  return world
}

function disturb(world: World, sleeps: boolean): void {
  const { chance, queue } = world
  if (chance.is(0.002)) {
    world.down = true
    queue.after(chance.next() * 40_000, () => {
      world.down = false
    })
  }
  for (const process of world.processes.values()) {
    const { clocks } = process
    if (process.over) {
      if (chance.is(0.02)) world.start(process.name, chance.of([null, 'ended', 'said'] as const))
      continue
    }
    if (chance.is(0.002)) process.pausedUntil = queue.now + chance.next() * 40_000
    if (chance.is(0.0008)) process.end()
    if (chance.is(0.0008)) process.tell({ is: 'leave' })
    if (chance.is(0.001)) cut(world, process)
    if (chance.is(0.002)) hear(world, process)
    if (!sleeps && chance.is(0.0015)) clocks.offMs += (chance.next() - 0.5) * 7_200_000
    if (sleeps && chance.is(0.001)) sleep(world, process)
  }
}

function cut(world: World, process: { cutOff: boolean }): void {
  process.cutOff = true
  world.queue.after(world.chance.next() * 40_000, () => {
    process.cutOff = false
  })
}

/** What others say, true or not. */
function hear({ chance }: World, process: Process): void {
  const [spell] = process.state.spells
  if (spell && chance.is(0.3)) process.tell({ is: 'outdone', shard: spell[0], term: spell[1].term + chance.below(3) })
  process.tell(chance.of([{ is: 'silent' }, { is: 'beat', valid: true }, { is: 'beat', valid: false }]))
}

/** The whole machine: its monotonic clock stops, too. */
function sleep(world: World, process: { pausedUntil: number; readonly clocks: { asleep: boolean } }): void {
  const ms = world.chance.next() * 40_000
  process.pausedUntil = world.queue.now + ms
  process.clocks.asleep = true
  world.queue.after(ms, () => {
    process.clocks.asleep = false
  })
}

/** All is well again, and after two minutes all is as it should be. */
function settle(world: World): void {
  world.heal()
  for (let round = 0; round < 240; round++) {
    for (const process of world.processes.values())
      if (process.over && world.chance.is(0.1)) world.start(process.name, 'ended')
    world.step(500)
    for (const process of world.processes.values()) if (round % 4 === 0) world.work(process)
  }
  for (const { name, state } of world.processes.values())
    if (state.standing !== 'up') throw new Broken(`${name} is ${state.standing}`)
  const owners = world.owners()
  if (owners.includes(undefined)) throw new Broken(`no owner whom all know: ${owners.join()}`)
  world.check()
}
