/** A cluster as one of its nodes knows it, for those who run it. */
import type { Link } from '../cluster/link/link.ts'
import type { Links } from '../cluster/link/links.ts'
import type { MemberState, Standing } from '../cluster/types.ts'

export type KnownCluster = {
  readonly name: string
  readonly standing: Standing
  /** Those that this node has, and how many of them it is giving away. */
  readonly shards: readonly number[]
  readonly moving: number
  /** Of other nodes, whose users are here. */
  readonly sessions: number
  readonly nodes: readonly {
    readonly name: string
    readonly life: number
    readonly state: string
    readonly link: string
    readonly shards: number
    readonly isLinked: boolean
    /** Bytes that wait to go there. */
    readonly waiting: number
    /** What has gone there since the link was opened. */
    readonly sent: Link['sent']
  }[]
}

const nothing: Link['sent'] = { batches: 0, frames: 0, bytes: 0 }

export function knownCluster(state: MemberState, links: Pick<Links, 'to'>, sessions: number): KnownCluster {
  const { members, shards, spells, standing, me } = state
  const count = new Map<number, number>()
  for (const { owner } of shards.values()) count.set(owner, (count.get(owner) ?? 0) + 1)
  const moving = [...spells.values()].filter(({ phase }) => phase !== 'owned').length
  const nodes = [...members.values()].map(({ life, name, state, link }) => {
    const open = links.to(life)
    return {
      name,
      life,
      state,
      link,
      shards: count.get(life) ?? 0,
      isLinked: life === me.life || open !== undefined,
      waiting: open?.waiting ?? 0,
      sent: open?.sent ?? nothing,
    }
  })
  return { name: me.name, standing, shards: [...spells.keys()], moving, sessions, nodes }
}
