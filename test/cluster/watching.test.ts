import { describe, expect, it } from 'vitest'
import { newMember, receive } from '../../src/cluster/member.ts'
import { timingsOf } from '../../src/cluster/timings.ts'
import type { MemberEffect, MemberMessage } from '../../src/cluster/types.ts'
import type { LifeRow, MemberRow } from '../../src/store/contract.ts'

const row = (life: number, name: string): MemberRow => ({
  life,
  name,
  state: 'up',
  dc: 'dc1',
  link: `${name}:1`,
  proto: 1,
})

/** One that watches others; its own lease is renewed all the time. */
function watcher(...names: readonly string[]) {
  const rows = names.map((name, n) => row(n + 1, name))
  const state = newMember(rows[0] as MemberRow, null)
  let ms = 0
  const tell = (message: MemberMessage = { is: 'tick' }) => {
    const effects: MemberEffect[] = []
    receive(state, message, { at: { monotonic: ms, now: ms }, timings: timingsOf(), effects })
    return effects
  }
  /** For so long it reads these rows of lives; answers what it marks, and when. */
  const reads = (forMs: number, found: (life: number, ms: number) => LifeRow | 'unknown') => {
    const marks: string[] = []
    const perform = (effect: MemberEffect): void => {
      if (effect.do === 'renew') heed({ is: 'renewed', beat: effect.beat, row: up(effect.beat) })
      if (effect.do === 'mark') marks.push(`${effect.life} at beat ${effect.beat} after ${ms} ms`)
      if (effect.do !== 'lives') return
      const all = effect.lives.map((life) => [life, found(life, ms)] as const)
      const rows = new Map(all.filter((one): one is [number, LifeRow] => one[1] !== 'unknown'))
      heed(rows.size < all.length ? { is: 'unknown', wish: effect } : { is: 'lives', asked: effect.lives, rows })
    }
    const heed = (message?: MemberMessage) => tell(message).forEach(perform)
    heed({ is: 'members', members: { view: 1, rows } })
    for (const end = ms + forMs; ms < end; ms += 250) heed()
    return marks
  }
  return reads
}
const up = (beat: number): LifeRow => ({ state: 'up', beat })
/** Of one that renews. */
const alive = (ms: number) => up(Math.floor(ms / 3_000))

describe('a watcher', () => {
  it('marks a life whose beat has not changed for 1.3 leases, with the beat that it saw', () => {
    const reads = watcher('a', 'b')
    expect(reads(14_000, () => up(5))).toEqual(['2 at beat 5 after 13000 ms'])
  })

  it('watches three, and lets those before it go first', () => {
    const reads = watcher('e', 'a', 'b', 'c', 'd')
    const marks = reads(20_000, (life, ms) => (life === 3 ? up(5) : alive(ms)))
    expect(marks).toEqual(['3 at beat 5 after 15000 ms'])
    expect(watcher('e', 'a', 'b', 'c', 'd')(20_000, (life, ms) => (life === 2 ? up(5) : alive(ms)))).toEqual([])
  })

  it('looks past those that are stale: who watched them may be dead, too', () => {
    const reads = watcher('e', 'a', 'b', 'c', 'd')
    expect(reads(30_000, () => up(5)).map((mark) => mark.slice(0, 1))).toEqual(['5', '4', '3', '2'])
  })

  it('takes a beat that is lower than one it saw for that of a replica which is behind', () => {
    const reads = watcher('a', 'b')
    expect(reads(14_000, (_, ms) => up(5 - (Math.floor(ms / 1_000) % 2)))).toEqual(['2 at beat 5 after 13000 ms'])
  })

  it('counts anew when it could not read', () => {
    const reads = watcher('a', 'b')
    expect(reads(21_000, (_, ms) => (ms === 6_000 ? 'unknown' : up(5)))).toEqual(['2 at beat 5 after 20000 ms'])
  })
})
