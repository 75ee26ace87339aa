/** How a cluster is, as one of its nodes knows it; and ending a node as planned. */
import type { KnownCluster } from '../index.ts'
import { Misuse } from './misuse.ts'
import { askNode, operatorTable } from './operator.ts'
import { readOptions } from './options.ts'

export const table = operatorTable

const usage = `bluetick cluster status [options]: lists the nodes of a cluster, as a running one of them knows it.
bluetick cluster drain [options]: the running node gives its shards to the others, tells its clients to come back, and ends.`

export async function cluster(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args, 1)
  if (!read) return
  const [what] = read.rest
  if (what === 'status') return status((await askNode(read.values, 'cluster')) as KnownCluster | undefined)
  if (what !== 'drain') throw new Misuse('status or drain?')
  await askNode(read.values, 'drain')
  console.log('The node gives its shards to the others, and ends.')
}

function status(known: KnownCluster | undefined): void {
  if (!known) throw new Error('the node is in no cluster')
  const { name, standing, moving, nodes } = known
  const rows = nodes.map(({ name, state, shards, link, isLinked, waiting }) => [
    name,
    state,
    String(shards),
    link,
    isLinked ? 'yes' : 'no',
    String(waiting),
  ])
  const all = [['node', 'state', 'shards', 'link', 'reached', 'bytes waiting'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  for (const row of all)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  console.log(`As ${name} knows it, which is ${standing}, and gives ${moving} of its shards away now.`)
}
