import { describe, expect, it } from 'vitest'
import { yieldShards } from '../../src/cluster/giving.ts'
import type { MemberEffect, Spell } from '../../src/cluster/types.ts'
import { partOf } from '../../src/store/contract.ts'
import { isOwned, ownersOf, running, shards, terms, until } from './nodes.ts'

describe('a cluster', () => {
  it('begins with one node, which takes all shards at once', () => {
    const world = running()
    world.start('a')
    expect(until(world, isOwned(world))).toBeLessThan(2_000)
    expect(ownersOf(world)).toBe('a')
  })

  it('shares its shards with a node that joins, when all know of it, and moves no more than have to', () => {
    const world = running('a', 'b')
    expect(ownersOf(world)).toBe('a,b')
    const before = terms(world)
    world.start('c')
    world.run(2_900)
    expect(terms(world)).toEqual(before)
    world.run(20_000)
    expect(ownersOf(world)).toBe('a,b,c')
    expect(terms(world).filter((term) => !before.includes(term))).toHaveLength(shards / 3)
  })

  it('gives what a killed node had to those for whom it is planned, as soon as no lease of it can be valid', () => {
    const world = running('a', 'b', 'c')
    world.kill('b')
    const ms = until(world, isOwned(world))
    expect(ms).toBeGreaterThan(10_000)
    expect(ms).toBeLessThan(15_500)
    expect(ownersOf(world)).toBe('a,c')
  })

  it('is served by one node where all others die', () => {
    const world = running('a', 'b')
    world.kill('a')
    until(world, isOwned(world), 16_000)
    expect(ownersOf(world)).toBe('b')
  })

  it('is served when neighbours die together, whose watchers they were', () => {
    const world = running('a', 'b', 'c', 'd', 'e', 'f')
    for (const name of ['b', 'c', 'd', 'e']) world.kill(name)
    until(world, isOwned(world), 22_000)
    expect(ownersOf(world)).toBe('a,f')
  })

  it.each([
    ['has marked', false],
    ['wants to mark', true],
  ])('is served when the one that %s a node dead dies, too', (_, wants) => {
    const world = running('a', 'b', 'c', 'd')
    const { life } = world.of('b')
    world.kill('b')
    // Who watches b first is c.
    const { state } = world.of('c')
    until(world, () => (wants ? state.asked.has(`mark ${life}`) : state.dead.has(life)))
    world.kill('c')
    until(world, isOwned(world), 40_000)
    expect(ownersOf(world)).toBe('a,d')
  })

  it('goes on with the same owners and terms when Cassandra was away for a minute: nobody was marked dead', () => {
    const world = running('a', 'b', 'c')
    const before = terms(world)
    world.down = true
    world.run(60_000)
    expect([...world.processes.values()].map(({ state }) => state.standing)).toEqual([
      'suspended',
      'suspended',
      'suspended',
    ])
    expect(world.owners()).toEqual(world.owners().map(() => undefined))
    world.down = false
    expect(until(world, isOwned(world))).toBeLessThan(5_000)
    expect(terms(world)).toEqual(before)
    expect(world.counts.deaths).toBe(0)
  })

  it('moves nothing for balance while a node that died, or left, may be on its way back', () => {
    const world = running('a', 'b', 'c')
    world.kill('b')
    until(world, isOwned(world))
    world.start('b', 'ended')
    world.run(25_000)
    expect(ownersOf(world)).toBe('a,c')
    world.run(20_000)
    expect(ownersOf(world)).toBe('a,b,c')
  })
})

describe('a node', () => {
  it('that stood still finds that it was marked dead, and ends; what came meanwhile does not count', () => {
    const world = running('a', 'b')
    const { a, b } = { a: world.of('a'), b: world.of('b') }
    a.pausedUntil = world.queue.now + 20_000
    until(world, () => world.rows.shards().answer.every(({ owner }) => owner === b.life), 19_000)
    world.run(8_000)
    expect(a.said.at(-1)).toBe('fenced')
    expect([a.over, a.gate.size, b.said.includes('fenced')]).toEqual([true, 0, false])
  })

  it('whose machine slept, and whose monotonic clock did not go on, does not take its lease for valid', () => {
    const world = running('a', 'b')
    const { clocks, state } = world.of('a')
    const [shard, { term }] = [...state.spells][0] as [number, { term: number }]
    clocks.asleep = true
    world.pass(10_100)
    expect(world.of('a').passage(shard, term)).toBe('waits')
  })

  it('whose clock is set back or ahead by an hour goes on', () => {
    const world = running('a', 'b')
    const before = terms(world)
    for (const ms of [3_600_000, -7_200_000]) {
      world.of('a').clocks.offMs += ms
      world.run(10_000)
      expect(isOwned(world)()).toBe(true)
    }
    expect(terms(world)).toEqual(before)
  })

  it('that is back under its name, and proves that its former process is gone, has its shards at once', () => {
    const world = running('a', 'b', 'c')
    const before = world.owners()
    world.kill('b')
    world.start('b', 'ended')
    expect(until(world, isOwned(world))).toBeLessThan(3_000)
    expect(world.owners()).toEqual(before)
  })

  it('waits where another life of its name has ended than the one that is a member', () => {
    const world = running('a', 'b', 'c')
    const { state } = world.start('b')
    // What is written on this machine is of an earlier life: the one that runs is on another.
    Object.assign(state, { former: { ended: 77 } })
    world.run(5_000)
    expect(state.standing).toBe('joining')
    expect(world.counts.deaths).toBe(0)
  })

  it('of which somebody only says so waits as others do', () => {
    const world = running('a', 'b', 'c')
    world.kill('b')
    world.start('b', 'said')
    expect(until(world, () => world.of('b').state.standing === 'up')).toBeGreaterThan(10_000)
  })

  it('whose former process was leaving when it ended does not wait, where somebody says that it is gone', () => {
    const world = running('a', 'b', 'c')
    const former = world.of('b')
    former.tell({ is: 'leave' })
    until(world, () => former.state.members.get(former.life)?.state === 'leaving')
    former.end()
    world.start('b', 'said')
    expect(until(world, () => world.of('b').state.standing === 'up')).toBeLessThan(3_000)
  })

  it('whose row has gone, a day after it was heard of last, counts as dead, and ends when it wakes', () => {
    const world = running('a', 'b')
    const [a, sleeper] = [world.of('a'), world.of('b')]
    sleeper.pausedUntil = Number.POSITIVE_INFINITY
    world.run(10_500)
    world.rows.lifeRows.delete(sleeper.life)
    until(world, () => world.rows.shards().answer.every(({ owner }) => owner === a.life), 10_000)
    sleeper.pausedUntil = 0
    world.run(2_000)
    expect(sleeper.said.at(-1)).toBe('fenced')
    expect(isOwned(world)()).toBe(true)
  })

  it('takes the shards of lives of which no row is left', () => {
    const world = running('a', 'b')
    for (const name of ['a', 'b']) world.kill(name)
    world.rows.lifeRows.clear()
    world.start('c')
    until(world, isOwned(world), 10_000)
    expect(ownersOf(world)).toBe('c')
  })

  it('is refused under the name of one that runs, which is not harmed', () => {
    const world = running('a', 'b')
    const [first, before] = [world.of('b'), terms(world)]
    const second = world.start('b', 'said')
    world.processes.set('b again', first)
    until(world, () => second.over, 20_000)
    expect(second.said).toEqual(['refused: name', 'refused'])
    expect([first.over, terms(world)]).toEqual([false, before])
  })

  it('is refused from another datacenter', () => {
    const world = running('a')
    const other = world.start('b')
    Object.assign(other.state, { me: { ...other.state.me, dc: 'dc2' } })
    until(world, () => other.over)
    expect(other.said).toEqual(['refused: datacenter', 'refused'])
  })

  it('does not join before its own life is one that all see', () => {
    const world = running('a')
    const late = world.start('b')
    const { state } = late
    const renewals = world.rows.renew.bind(world.rows)
    world.rows.renew = (life, beat, first) =>
      life === late.life ? { answer: undefined as never, known: () => {} } : renewals(life, beat, first)
    until(world, () => state.view >= 0 || late.over)
    expect(state.asked.has('change')).toBe(false)
  })

  it('that leaves gives all that it has, marks itself dead, and is no member any more', () => {
    const world = running('a', 'b', 'c')
    const leaving = world.of('b')
    leaving.tell({ is: 'leave' })
    const { memberRows, lifeRows } = world.rows
    // Off the list and not dead, it would never be missed.
    until(world, () => {
      const isListed = memberRows.last.rows.some(({ life }) => life === leaving.life)
      expect(isListed || lifeRows.get(leaving.life)?.last?.state === 'dead').toBe(true)
      return leaving.over
    })
    expect(leaving.said.slice(-2)).toEqual(['left', 'left'])
    until(world, isOwned(world), 5_000)
    expect(ownersOf(world)).toBe('a,c')
    expect(memberRows.last.rows.map(({ name }) => name)).toEqual(['a', 'c'])
  })

  it('that leaves as the last one leaves all to whoever comes next, who need not wait', () => {
    const world = running('a')
    world.of('a').tell({ is: 'leave' })
    until(world, () => world.of('a').over, 5_000)
    world.start('z')
    until(world, isOwned(world), 8_000)
    expect(ownersOf(world)).toBe('z')
  })

  it('that cannot renew is told that it is cut off only where a peer has a valid lease', () => {
    const world = running('a', 'b')
    const alone = world.of('a')
    alone.cutOff = true
    world.run(10_500)
    expect(alone.said.at(-1)).toBe('suspended')
    for (const valid of [false, true]) {
      world.run(10_000)
      alone.tell({ is: 'beat', valid })
      expect(alone.said.includes('away')).toBe(valid)
    }
  })

  it('finds rows of a term that is not below its own, and goes on under one that is above', () => {
    const world = running('a', 'b')
    const { state } = world.of('a')
    const [shard, { term }] = [...state.spells][0] as [number, { term: number }]
    world.of('a').tell({ is: 'outdone', shard, term: term + 7 })
    expect(world.of('a').passage(shard, term)).toBe('never')
    until(world, isOwned(world))
    expect(state.spells.get(shard)).toMatchObject({ term: term + 8, phase: 'owned' })
  })
})

describe('a shard that is being given', () => {
  const giving = () => {
    const world = running('a')
    const giver = world.of('a')
    for (const owner of giver.owners.values()) owner.look = () => false
    world.start('b')
    until(world, () => [...giver.state.spells.values()].some(({ phase }) => phase === 'yielding'))
    const [shard, { term }] = [...giver.state.spells].find(([, { phase }]) => phase === 'yielding') as [
      number,
      { term: number },
    ]
    return { world, giver, shard, term }
  }

  it('still counts while its actors go, and never again from when the change is sent, whatever becomes of that', () => {
    const { world, giver, shard, term } = giving()
    expect(giver.passage(shard, term)).toBe('passes')
    const passed: string[] = []
    world.down = true
    giver.tell({ is: 'yielded', gone: [{ shard, term }] })
    giver.gate.enter(shard, term, () => passed.push('late'))
    world.run(9_000)
    world.down = false
    const { answer } = world.rows.shards()
    expect(answer[shard]).toMatchObject({ owner: giver.life, term })
    until(world, () => !giver.state.spells.has(shard))
    expect([passed, giver.passage(shard, term)]).toEqual([[], 'never'])
    expect(world.rows.shards().answer[shard]).toMatchObject({ owner: world.of('b').life, term: term + 1 })
  })

  it('is taken back under the next term where nobody is there any more to take it', () => {
    const { world, giver, shard, term } = giving()
    world.kill('b')
    until(world, () => giver.state.plan[shard] === giver.life)
    giver.tell({ is: 'yielded', gone: [{ shard, term }] })
    until(world, () => (giver.state.spells.get(shard)?.term ?? 0) > term)
    expect(world.rows.shards().answer[shard]).toMatchObject({ owner: giver.life, term: term + 1 })
    expect(giver.passage(shard, term + 1)).toBe('passes')
  })

  it('goes along with those that go at the same time, in one change', () => {
    const { world, giver } = giving()
    const gone = [...giver.state.spells].flatMap(([shard, { term, phase }]) =>
      phase === 'yielding' ? [{ shard, term }] : [],
    )
    const moves: number[] = []
    const { move } = world.rows
    world.rows.move = (all) => {
      moves.push(all.length)
      return move.call(world.rows, all)
    }
    giver.tell({ is: 'yielded', gone })
    until(world, isOwned(world))
    expect([gone.length > 1, moves]).toEqual([true, [gone.length]])
  })

  it('is of another part than those that others give at that time', () => {
    const world = running('a', 'b', 'c')
    const parts = ['a', 'b', 'c'].map((name) => {
      const { state } = world.of(name)
      const { life } = state.me
      const shards = Array.from({ length: 1_024 }, (_, shard) => ({ shard, owner: life, term: 7 }))
      const all = { ...state, shards: new Map(shards.map((row) => [row.shard, row])), spells: new Map<number, Spell>() }
      for (const { shard } of shards) all.spells.set(shard, { term: 7, phase: 'owned' })
      const effects: MemberEffect[] = []
      const at = world.of(name).times
      yieldShards({ ...all, plan: shards.map(() => life + 1_000) }, { at, timings: world.timings, effects })
      return [...new Set(effects.flatMap((effect) => (effect.do === 'yield' ? [partOf(effect.shard)] : [])))].join()
    })
    expect(parts).toEqual(['0', '5', '10'])
  })

  it('comes to life where it was given to a node that had died', () => {
    const { world, giver, shard, term } = giving()
    world.start('c')
    const dead = world.of('b')
    world.kill('b')
    giver.tell({ is: 'yielded', gone: [{ shard, term }] })
    until(world, isOwned(world), 60_000)
    expect(world.owners()).not.toContain(dead.name)
  })
})
