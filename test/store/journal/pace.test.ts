/** Which thread writes: that of the event loop only as long as the disk is fast. */
import { describe, expect, it } from 'vitest'
import { Pace } from '../../../src/store/lmdb/journal/pace.ts'

function start(never = false) {
  let now = 0
  const pace = new Pace(never, () => now)
  const wait = (ms: number) => {
    now += ms
  }
  /** Writes that take so long, each after a wait. */
  const write = (ms: number, times = 1, afterMs = 10) => {
    for (let n = 0; n < times; n++) {
      wait(afterMs)
      pace.time(() => wait(ms))
    }
  }
  return { pace, wait, write, here: (bytes = 100) => pace.isHere(bytes) }
}

describe('records are written', () => {
  it('here while writes are fast', () => {
    const { write, here } = start()
    write(0.3, 1_000, 2)
    expect([here(), here(1_000_000)]).toEqual([true, true])
  })

  it('here also where there are so many fast ones that they take half of the time', () => {
    const { write, here } = start()
    write(0.25, 4_000, 0.25)
    expect([here(), here(1_000_000)]).toEqual([true, true])
  })

  it('by threads for a hundred times as long as a slow one took, and then a small one is tried here', () => {
    const { write, wait, here } = start()
    write(3)
    wait(299)
    expect(here()).toBe(false)
    wait(2)
    expect([here(100_000), here()]).toEqual([false, true])
    write(0.3)
    expect(here(100_000)).toBe(true)
  })

  it('by threads when those that are neither fast nor slow take more than a third of the time', () => {
    const { write, wait, here } = start()
    write(1, 40, 1)
    expect(here()).toBe(false)
    wait(3.1 * 1_000)
    expect(here()).toBe(true)
  })

  it('by threads for a minute at most', () => {
    const { write, wait, here } = start()
    write(5_000)
    wait(59_999)
    expect(here()).toBe(false)
    wait(2)
    expect(here()).toBe(true)
  })

  it('here most of the time on a disk that is slow once in ten thousand times, and by threads on one that is always slow', () => {
    const share = (slowOf: (nth: number) => boolean) => {
      const { pace, wait, here } = start()
      let count = 0
      for (let n = 0; n < 20_000; n++) {
        wait(1)
        if (!here()) continue
        count += 1
        pace.time(() => wait(slowOf(count) ? 3 : 0.1))
      }
      return count / 20_000
    }
    expect(share((nth) => nth % 10_000 === 0)).toBeGreaterThan(0.8)
    expect(share((nth) => nth % 1_000 === 0)).toBeGreaterThan(0.25)
    expect(share(() => true)).toBeLessThan(0.02)
  })

  it('by threads always, where that is asked for', () => expect(start(true).here()).toBe(false))
})
