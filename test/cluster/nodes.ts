/** Nodes of one cluster where nothing goes wrong by itself: worlds of the simulation, played by hand. */
import { World } from '../simulation/ownership/world.ts'

export const shards = 6

/** Nodes of these names, each with its shards. */
export function running(...names: readonly string[]): World {
  const world = new World(1, shards)
  for (const name of names) {
    world.start(name)
    world.run(2_000)
  }
  world.run(120_000)
  return world
}

/** Milliseconds until it is so. */
export function until(world: World, isSo: () => boolean, mostMs = 60_000): number {
  const began = world.queue.now
  while (!isSo()) {
    if (world.queue.now - began > mostMs) throw new Error(`not within ${mostMs} ms`)
    world.run(100, 50)
  }
  return world.queue.now - began
}

export const isOwned = (world: World) => () => !world.owners().includes(undefined)
export const ownersOf = (world: World) => [...new Set(world.owners())].sort().join()
/** Whose each shard is, under which term. */
export const terms = (world: World) => world.rows.shards().answer.map(({ owner, term }) => `${owner}/${term}`)
