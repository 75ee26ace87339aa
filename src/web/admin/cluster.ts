/** The cluster as this node knows it, where it is in one. */
import { byId, make } from '../dom.ts'
import { list } from './facts.ts'
import { inWords } from './plots.ts'

export type KnownCluster = {
  readonly name: string
  readonly standing: string
  readonly shards: readonly number[]
  readonly moving: number
  readonly sessions: number
  readonly nodes: readonly Known[]
}
type Known = {
  readonly name: string
  readonly state: string
  readonly link: string
  readonly shards: number
  readonly isLinked: boolean
  readonly waiting: number
}

export function showCluster(cluster: KnownCluster | undefined): void {
  byId('cluster').hidden = cluster === undefined
  if (!cluster) return
  const { name, standing, shards, moving, sessions, nodes } = cluster
  list(byId('cluster-facts'), [
    ['This node', name],
    ['It is', standing],
    ['Shards', inWords(shards.length, '')],
    ['Shards that move', inWords(moving, '')],
    ['Sessions of other nodes', inWords(sessions, '')],
  ])
  byId('cluster-nodes').replaceChildren(...nodes.map((known) => row(known, known.name === name)))
}

function row({ name, state, link, shards, isLinked, waiting }: Known, isThis: boolean): HTMLElement {
  const linked = isThis ? 'this node' : isLinked ? `linked by ${link}` : `no link to ${link}`
  const waits = waiting > 0 ? `, ${inWords(waiting / 1024, ' KB')} wait` : ''
  const words = `${state}, ${inWords(shards, '')} shards, ${linked}${waits}`
  return make('li', isThis || isLinked ? '' : 'bad', make('strong', '', name), make('span', 'at', words))
}
