/** How long the disk takes to make a write durable: below this no sent tick can come. */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Histogram } from './histogram.ts'

/** What a transaction of a few messages writes, about. */
const writeBytes = 16 * 1024
/** Within a file that is there already, as the store's is. */
const fileBytes = 8 * 1024 * 1024

/** Writes and syncs for some seconds, one write after another, where the nodes of the bench have their data. */
export async function syncs(seconds: number): Promise<Histogram> {
  const took = new Histogram()
  const folder = await mkdtemp(join(tmpdir(), 'bluetick-bench-'))
  try {
    const file = await open(join(folder, 'disk'), 'w')
    await file.write(Buffer.alloc(fileBytes))
    await file.datasync()
    const bytes = Buffer.alloc(writeBytes, 1)
    const end = performance.now() + seconds * 1_000
    for (let at = 0; performance.now() < end; at = (at + writeBytes) % fileBytes) {
      const start = performance.now()
      await file.write(bytes, 0, writeBytes, at)
      await file.datasync()
      took.record(performance.now() - start)
    }
    await file.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return took
}
