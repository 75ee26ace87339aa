/** How long the disk takes to make a write durable: below this no sent tick can come. */
import { closeSync, constants, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Histogram } from './histogram.ts'

const writeBytes = 4 * 1024
/** Within a file that is there already, as the store's is. */
const fileBytes = 8 * 1024 * 1024

/** How long writes took, and CPU of one in microseconds: of the call, and of a turn of an event loop that has nothing else to do. */
export type Syncs = { readonly took: Histogram; readonly cpuUs: number }

/** Writes for some seconds, one write after another, where the nodes of the bench have their data: each is durable when it returns. */
export async function syncs(seconds: number): Promise<Syncs> {
  const took = new Histogram()
  let count = 0
  let cpuUs = 0
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-bench-'))
  const path = join(folder, 'disk')
  try {
    const made = openSync(path, 'w')
    writeSync(made, Buffer.alloc(fileBytes))
    fdatasyncSync(made)
    closeSync(made)
    const file = openSync(path, constants.O_WRONLY | (constants.O_DSYNC ?? 0))
    const bytes = Buffer.alloc(writeBytes, 1)
    const end = performance.now() + seconds * 1_000
    const before = process.cpuUsage()
    for (let at = 0; performance.now() < end; at = (at + writeBytes) % fileBytes) {
      const start = performance.now()
      writeSync(file, bytes, 0, writeBytes, at)
      // Windows has no O_DSYNC.
      if (constants.O_DSYNC === undefined) fdatasyncSync(file)
      took.record(performance.now() - start)
      count += 1
      await new Promise(setImmediate)
    }
    const { user, system } = process.cpuUsage(before)
    cpuUs = (user + system) / count
    closeSync(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { took, cpuUs }
}
