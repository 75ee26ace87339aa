/** How long the disk takes to make a write durable: below this no sent tick can come. */
import { closeSync, constants, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Histogram } from './histogram.ts'

const writeBytes = 4 * 1024
/** Within a file that is there already, as the store's is. */
const fileBytes = 8 * 1024 * 1024

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** How long writes took, and CPU of one in microseconds: of the call, and of a turn of an event loop that has nothing else to do. */
export type Syncs = { readonly took: Histogram; readonly cpuUs: number }

/** Writes for some seconds, one write after another: each is durable when it returns. */
export async function syncs(seconds: number): Promise<Syncs> {
  const took = new Histogram()
  let count = 0
  const before = process.cpuUsage()
  await withFile(async (write) => {
    const end = performance.now() + seconds * 1_000
    while (performance.now() < end) {
      const start = performance.now()
      write()
      took.record(performance.now() - start)
      count += 1
      await new Promise(setImmediate)
    }
  })
  const { user, system } = process.cpuUsage(before)
  return { took, cpuUs: (user + system) / count }
}

/**
 * How long it takes until what is due at a steady rate is durable, for a program that does nothing else: what has come due during a write
 * shares the next. No `sent` tick can be faster than that. One write after another does not tell it: of a disk that stands still twice a
 * second for 20 ms it meets 2 of 10,000 writes so, and of what is due 4 of 100.
 */
export async function spaced(rate: number, seconds: number): Promise<Histogram> {
  const took = new Histogram()
  await withFile(async (write) => {
    const start = performance.now()
    const dueAt = (n: number) => start + (n * 1_000) / rate
    for (let done = 0; done < rate * seconds; ) {
      const early = dueAt(done) - performance.now()
      if (early > 0) Atomics.wait(nobody, 0, 0, early)
      const due = Math.floor(((performance.now() - start) * rate) / 1_000) + 1
      write()
      for (const now = performance.now(); done < due; done++) took.record(now - dueAt(done))
      await new Promise(setImmediate)
    }
  })
  return took
}

/** `use` gets what writes 4 KB durably, where the nodes of the bench have their data. */
async function withFile(use: (write: () => void) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-bench-'))
  const path = join(folder, 'disk')
  try {
    const made = openSync(path, 'w')
    writeSync(made, Buffer.alloc(fileBytes))
    fdatasyncSync(made)
    closeSync(made)
    const file = openSync(path, constants.O_WRONLY | (constants.O_DSYNC ?? 0))
    const bytes = Buffer.alloc(writeBytes, 1)
    let at = 0
    await use(() => {
      writeSync(file, bytes, 0, writeBytes, at)
      // Windows has no O_DSYNC.
      if (constants.O_DSYNC === undefined) fdatasyncSync(file)
      at = (at + writeBytes) % fileBytes
    })
    closeSync(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
