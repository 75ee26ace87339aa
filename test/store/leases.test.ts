/** Leases of the embedded store where several processes share its file. */
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

/** One time that a process held the lease: it asked at `now` and was answered at `got`; `back`: when it gave the lease back. */
type Held = {
  readonly holder: string
  readonly term: number
  readonly now: number
  readonly got: number
  readonly until: number
  readonly back: number | null
}

const module = (name: string) => JSON.stringify(new URL(`../../dist/src/store/lmdb/${name}.js`, import.meta.url).href)
/** Takes the lease again and again, holds it, renews it or gives it back, and prints each time that it had it. */
const program = `
  import { releaseLease, renewLease, takeLease } from ${module('leases')}
  import { Damages } from ${module('table')}
  import { openTables } from ${module('tables')}
  const [path, holder] = process.argv.slice(1)
  const tables = openTables(path, new Damages(path, () => {}))
  const change = (task) => tables.root.transaction(() => task(tables))
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  for (const end = Date.now() + 1500; Date.now() < end; await sleep(Math.random() * 3)) {
    const now = Date.now()
    const lease = await change((tables) => takeLease(tables, 'one', holder, now, now + 10))
    if (lease.holder !== holder) continue
    let [got, until, back] = [Date.now(), lease.until, null]
    if (Math.random() < 0.5) {
      const again = Date.now()
      if (await change((tables) => renewLease(tables, 'one', lease, again, again + 15))) until = again + 15
    }
    if (Math.random() < 0.5) {
      back = Date.now()
      await change((tables) => releaseLease(tables, 'one', lease))
    } else await sleep(30)
    console.log(JSON.stringify({ holder, term: lease.term, now, got, until, back }))
  }
  await tables.root.close()`

async function run(path: string, holder: string): Promise<Held[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path, holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (text) => {
    printed += text
  })
  await new Promise((resolve) => child.once('close', resolve))
  const lines = printed.trim().split('\n')
  return lines.flatMap((line) => (line === '' ? [] : (JSON.parse(line) as Held)))
}

it('belong to one of several processes at a time, each time under a higher term', async () => {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-leases-'))
  const held = (await Promise.all(['a', 'b', 'c'].map((holder) => run(path, holder)))).flat()
  held.sort((one, other) => one.term - other.term)
  expect(new Set(held.map(({ holder }) => holder)).size).toBe(3)
  expect(held.length).toBeGreaterThan(20)
  for (const [at, next] of held.entries()) {
    const before = held[at - 1]
    if (!before) continue
    expect(next.term).toBeGreaterThan(before.term)
    const free = next.now >= before.until || (before.back !== null && next.got >= before.back)
    expect({ before, next, free }).toMatchObject({ free: true })
  }
})
