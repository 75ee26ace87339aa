/** Rules of the cluster, broken one by one, each with worlds that it breaks. A rule that nobody would miss is none. */
import { Owner } from './owner.ts'
import type { Mutant, Node } from './types.ts'

const spellOf = ({ state }: Node, shard: number, term: number) => {
  const spell = state.spells.get(shard)
  return spell?.term === term ? spell : undefined
}

/** It read that its change was not applied, and goes on under the old term. */
function resume(node: Node): void {
  const { state, world } = node
  for (const [shard, spell] of state.spells) {
    const row = world.rows.shards().answer.find((row) => row.shard === shard)
    if (spell.phase !== 'giving' || row?.owner !== node.life || row.term !== spell.term) continue
    spell.phase = 'owned'
    state.shut.delete(shard)
    node.owners.set(shard, new Owner(node, shard, spell.term))
  }
}

export const mutants: Readonly<Record<string, Mutant>> = {
  'results count whether the lease is valid or not': {
    passage: (real) => (real === 'waits' ? 'passes' : real),
  },
  'results of a shard that is being given still count': {
    passage: (real, node, shard, term) => {
      const given = real === 'never' && spellOf(node, shard, term)?.phase === 'giving'
      return given && node.state.standing === 'up' ? 'passes' : real
    },
  },
  'what is taken away need not have been read while the shard was its own': { blind: true },
  'the next owner has the same term': {
    effect: (effect) =>
      effect.do === 'move'
        ? { ...effect, moves: effect.moves.map(({ from, to }) => ({ from, to: { ...to, term: from.term } })) }
        : effect,
  },
  'a life is marked dead whatever its beat is by now': {
    effect: (effect) => (effect.do === 'mark' ? { ...effect, beat: null } : effect),
  },
  'a life is marked dead before its lease can have run out': { timings: { deadMs: 9_000 } },
  'a lease is measured by the monotonic clock alone': { at: ({ monotonic }) => ({ monotonic, now: monotonic }) },
  'stamps are those of the clock': { stamp: (node, count) => node.times.now * 1_000 + count },
  'who has read that a shard was not given keeps it under the old term': { unknown: resume },
}
