import type { ClusterStore } from '../../src/store/contract.ts'
import { clusterContract } from '../contracts/cluster.ts'
import { Chance } from '../simulation/ownership/chance.ts'
import { type Access, Rows } from '../simulation/ownership/rows.ts'

/** Each answer comes. */
const told = async <T>({ answer, known }: Access<T>): Promise<T> => {
  known()
  return answer
}

clusterContract('the rows of the simulation', async (): Promise<ClusterStore> => {
  let rows = new Rows(0, new Chance(1))
  let made = 0
  return {
    async makeShards(count) {
      if (made === 0) rows = new Rows(count, new Chance(1))
      made ||= count
      return made
    },
    lives: (lives) => told(rows.lives(lives)),
    renew: (life, beat, first) => told(rows.renew(life, beat, first)),
    mark: (life, beat) => told(rows.mark(life, beat)),
    members: () => told(rows.members()),
    change: (view, join, leave) => told(rows.change(view, join, leave)),
    shards: () => told(rows.shards()),
    move: (moves) => told(rows.move(moves)),
  }
})
