/** Runs inside a measured process and tells what it used. */
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import { mainCpuUs } from './proc.ts'

/** What a process has used up to a moment. */
export type Sample = {
  readonly at: number
  readonly rss: number
  readonly heap: number
  readonly external: number
  /** CPU of all threads of the process, in microseconds. */
  readonly cpuUs: number
  /** What of that was spent in the kernel. */
  readonly kernelCpuUs: number
  /** That of its main thread, and how long its event loop did not wait, in milliseconds: also for a write that the disk delays. */
  readonly mainCpuUs: number
  readonly loopActiveMs: number
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
  const asked = { from: 0, to: 0 }
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Those that the bench itself asked for are not the program's.
      if (entry.startTime < asked.from || entry.startTime > asked.to) pauses.push(entry.duration)
    }
  }).observe({ entryTypes: ['gc'] })
  const loop = monitorEventLoopDelay({ resolution: 10 })
  const inspector = new Session()
  inspector.connect()
  let garbage = 0
  let last = 0
  let looking: NodeJS.Timeout | undefined
  const look = () => {
    const used = getHeapStatistics().used_heap_size
    if (used > last) garbage += used - last
    last = used
  }
  return {
    /** Forgets pauses. `closely`: measures delays and garbage from here on, which wakes the process three hundred times a second. */
    reset({ closely = false } = {}): void {
      pauses = []
      garbage = 0
      last = getHeapStatistics().used_heap_size
      loop.disable()
      clearInterval(looking)
      if (!closely) return
      loop.enable()
      loop.reset()
      looking = setInterval(look, lookMs)
    },
    /**
     * Collects as V8 does by itself when a program has been quiet for a minute, which shrinks the new space. `global.gc` leaves
     * that as large as it was: up to 32 MB, and by chance.
     */
    async collect(): Promise<void> {
      asked.from = performance.now()
      asked.to = Number.POSITIVE_INFINITY
      await new Promise((resolve) => inspector.post('HeapProfiler.collectGarbage', resolve))
      asked.to = performance.now()
    },
    sample(): Sample {
      const { rss, heapUsed, external } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return {
        at: performance.now(),
        rss,
        heap: heapUsed,
        external,
        cpuUs: user + system,
        kernelCpuUs: system,
        mainCpuUs: mainCpuUs(process.pid),
        loopActiveMs: performance.eventLoopUtilization().active,
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
