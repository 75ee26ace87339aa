import { describe, expect, it } from 'vitest'
import { Gate, type Passage, passage } from '../../src/cluster/gate.ts'
import { newMember, receive } from '../../src/cluster/member.ts'
import { timingsOf } from '../../src/cluster/timings.ts'
import type { MemberEffect, MemberMessage } from '../../src/cluster/types.ts'

describe('the gate', () => {
  it('holds what waits, in its order, also what comes while others pass', () => {
    let now: Passage = 'waits'
    const gate = new Gate(() => now)
    const passed: number[] = []
    const enter = (n: number, more?: () => void) =>
      gate.enter(1, 1, () => {
        passed.push(n)
        more?.()
      })
    enter(1, () => enter(3))
    enter(2)
    expect([passed, gate.size]).toEqual([[], 2])
    now = 'passes'
    gate.open()
    expect([passed, gate.size]).toEqual([[1, 2, 3], 0])
  })

  it('holds nothing any more when the node ends, and says so', () => {
    let now: Passage = 'waits'
    const gate = new Gate(() => now)
    const told: string[] = []
    const enter = (what: string) =>
      gate.enter(
        1,
        1,
        () => told.push(what),
        () => told.push(`${what}, not`),
      )
    enter('before')
    gate.hurry()
    enter('after')
    now = 'passes'
    enter('in time')
    expect([told, gate.size]).toEqual([['before, not', 'after, not', 'in time'], 0])
  })

  it('forgets what never counts, says so to whoever asks, and lets the rest pass', () => {
    const gate = new Gate((shard) => (shard === 1 ? 'never' : 'passes'))
    const [passed, over]: [number[], number[]] = [[], []]
    for (const shard of [1, 2])
      gate.enter(
        shard,
        1,
        () => passed.push(shard),
        () => over.push(shard),
      )
    gate.enter(1, 1, () => passed.push(0))
    expect([passed, over, gate.size]).toEqual([[2], [1], 0])
  })
})

describe('a lease', () => {
  const timings = timingsOf()
  const me = { life: 7, name: 'a', state: 'up', dc: 'dc1', link: 'a:1', proto: 1 } as const
  const begin = () => {
    const state = newMember(me, null)
    const tell = (ms: number, message: MemberMessage = { is: 'tick' }) => {
      const effects: MemberEffect[] = []
      receive(state, message, { at: { monotonic: ms, now: ms }, timings, effects })
      return effects.filter((effect) => effect.do === 'renew')
    }
    state.spells.set(1, { term: 4, phase: 'owned' })
    const at = (ms: number, term = 4) => passage(state, 1, term, { monotonic: ms, now: ms }, timings.leaseMs)
    return { state, tell, at }
  }

  it('counts from when the try that came was sent, and for the term of the shard', () => {
    const { tell, at } = begin()
    expect(tell(1_000)).toEqual([{ do: 'renew', beat: 1, first: true, timeoutMs: 1_000 }])
    expect(at(1_500)).toBe('waits')
    tell(1_900, { is: 'renewed', beat: 1, row: { state: 'up', beat: 1 } })
    expect([at(10_999), at(11_000), at(2_000, 3), at(2_000, 5)]).toEqual(['passes', 'waits', 'never', 'never'])
  })

  it('is tried again for longer, and with the next beat; a row tells which try has come', () => {
    const { tell, at } = begin()
    const tries = [1_000, 1_999, 2_000, 3_999, 4_000, 8_000].map((ms) =>
      tell(ms).map(({ beat, timeoutMs }) => [beat, timeoutMs]),
    )
    expect(tries).toEqual([[[1, 1_000]], [], [[2, 2_000]], [], [[3, 4_000]], [[4, 4_000]]])
    tell(8_100, { is: 'renewed', beat: 4, row: { state: 'up', beat: 3 } })
    expect([at(13_999), at(14_000)]).toEqual(['passes', 'waits'])
    tell(8_200, { is: 'renewed', beat: 2, row: { state: 'up', beat: 2 } })
    expect(at(13_999)).toBe('passes')
  })

  it('is renewed every three seconds', () => {
    const { tell } = begin()
    tell(1_000)
    tell(1_100, { is: 'renewed', beat: 1, row: { state: 'up', beat: 1 } })
    expect([tell(3_999).length, tell(4_000)]).toEqual([0, [{ do: 'renew', beat: 2, first: false, timeoutMs: 1_000 }]])
  })

  it.each([{ state: 'dead', beat: 1 } as const, undefined])('is lost for ever where the row is %j', (row) => {
    const { state, tell, at } = begin()
    tell(1_000)
    tell(1_100, { is: 'renewed', beat: 1, row })
    expect([state.standing, at(1_200), tell(9_000)]).toEqual(['fenced', 'never', []])
  })
})
