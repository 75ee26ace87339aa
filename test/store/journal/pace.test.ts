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

  it('by threads for a second after a slow one, and then a small one is tried here', () => {
    const { write, wait, here } = start()
    write(3)
    expect(here()).toBe(false)
    wait(1_001)
    expect([here(100_000), here()]).toEqual([false, true])
    write(0.3)
    expect(here(100_000)).toBe(true)
  })

  it('by threads when they take more than a third of the time', () => {
    const { write, here } = start()
    write(1, 40, 1)
    expect(here()).toBe(false)
  })

  it('by threads for twice as long each time, up to a minute; after a good minute it is a second again', () => {
    const { write, wait, here } = start()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      write(3)
      wait(seconds * 1_000 - 1)
      expect(here(), `${seconds}`).toBe(false)
      wait(2)
      expect(here(), `${seconds}`).toBe(true)
    }
    write(0.3, 61, 1_000)
    write(3)
    wait(1_001)
    expect(here()).toBe(true)
  })

  it('by threads always, where that is asked for', () => expect(start(true).here()).toBe(false))
})
