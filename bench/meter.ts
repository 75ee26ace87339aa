/** Runs inside a measured process and tells what it used. */
import { readFileSync } from 'node:fs'
import { constants, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

export type Sample = {
  readonly at: number
  readonly rss: number
  readonly heap: number
  readonly external: number
  /** CPU of all threads of the process, in microseconds. */
  readonly cpuUs: number
  /** Bytes that the process made the kernel write to disk; 0 where /proc does not tell. */
  readonly diskBytes: number
  /** Bytes of garbage made: the growth of the heap from one look to the next, which misses what came and went between two. */
  readonly garbage: number
  readonly gcPausesMs: readonly number[]
  readonly loopP99Ms: number
  readonly loopMaxMs: number
}

const lookMs = 5

export function startMeter() {
  let pauses: number[] = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Those that the bench itself asked for are not the program's.
      const { flags } = (entry as PerformanceEntry & { detail: { flags: number } }).detail
      if ((flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0) pauses.push(entry.duration)
    }
  }).observe({ entryTypes: ['gc'] })
  const loop = monitorEventLoopDelay({ resolution: 10 })
  loop.enable()
  let garbage = 0
  let last = 0
  let looking: NodeJS.Timeout | undefined
  const look = () => {
    const used = getHeapStatistics().used_heap_size
    if (used > last) garbage += used - last
    last = used
  }
  return {
    /** Forgets pauses and delays. `garbage`: counts garbage from here on, which costs about 1 % of a core. */
    reset(options: { garbage?: boolean } = {}): void {
      pauses = []
      garbage = 0
      last = getHeapStatistics().used_heap_size
      loop.reset()
      clearInterval(looking)
      if (options.garbage) looking = setInterval(look, lookMs)
    },
    sample(options: { collect?: boolean } = {}): Sample {
      // More than once: what a collection finds to be free, a later one gives back.
      if (options.collect) for (let i = 0; i < 3; i++) globalThis.gc?.()
      const { rss, heapUsed, external } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return {
        at: performance.now(),
        rss,
        heap: heapUsed,
        external,
        cpuUs: user + system,
        diskBytes: written(),
        garbage,
        gcPausesMs: pauses,
        // The delay is measured as the time between two looks, 10 ms apart when nothing delays them.
        loopP99Ms: Math.max(0, loop.percentile(99) / 1e6 - 10),
        loopMaxMs: Math.max(0, loop.max / 1e6 - 10),
      }
    },
  }
}

/** What was given to be written. `write_bytes` counts whole folios of the page cache, up to ten times what reaches the disk. */
function written(): number {
  try {
    return Number(/wchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
