/** What a message between two processes costs that do nothing else, and wake for each: nodes have other things to do when they wake. */
import { startChild } from './child.ts'
import type { Talk } from './stream.ts'

/** Microseconds of CPU of a message, of both ends together. */
export async function streamCost(talk: Talk): Promise<number> {
  const [one, other] = [startChild('stream'), startChild('stream')]
  try {
    await other.ask('dial', await one.ask<number>('serve'))
    const costs = await Promise.all([one, other].map((child) => child.ask<number>('cost', talk)))
    // Each has sent one and got one for each that it counts.
    return costs.reduce((sum, cost) => sum + cost, 0) / costs.length
  } finally {
    await Promise.all([one.stop(), other.stop()])
  }
}
