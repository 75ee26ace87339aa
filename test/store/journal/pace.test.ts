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
  const here = (bytes = 100) => pace.isHere(bytes)
  /** Milliseconds until one is written here. */
  const pause = () => {
    let ms = 0
    for (; !here(); ms++) wait(1)
    return ms
  }
  return { pace, wait, write, here, pause }
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

  it('by threads for twenty times as long as a slow one took, and then a small one is tried here', () => {
    const { write, here, pause } = start()
    write(3)
    expect(pause()).toBe(60)
    expect([here(100_000), here()]).toEqual([false, true])
    write(0.3)
    expect(here(100_000)).toBe(true)
  })

  it('by threads for as many times as it took milliseconds, where that is longer', () => {
    const { write, pause } = start()
    write(50)
    expect(pause()).toBe(2_500)
  })

  it('by threads for twice as many times after one that follows soon, and for twenty again after a while without', () => {
    const { write, pause } = start()
    const pauses = [0, 0, 0, 1_000].map((afterMs) => {
      write(3, 1, afterMs)
      return pause()
    })
    expect(pauses).toEqual([60, 120, 240, 60])
  })

  it('by threads when those that are neither fast nor slow take more than a third of the time', () => {
    const { write, pause } = start()
    write(1, 31, 1)
    expect(pause()).toBe(31 * 31)
  })

  it('by threads for a minute at most', () => {
    const { write, pause } = start()
    write(5_000)
    expect(pause()).toBe(60_000)
  })

  it('here most of the time on a disk that is slow once in a hundred times, and by threads on one that is always slow', () => {
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
    expect(share((nth) => nth % 1_000 === 0)).toBeGreaterThan(0.9)
    expect(share((nth) => nth % 100 === 0)).toBeGreaterThan(0.5)
    expect(share(() => true)).toBeLessThan(0.002)
  })

  it('by threads always, where that is asked for', () => expect(start(true).here()).toBe(false))
})
