/** One process has a folder, also where two do not see each other, as in two containers with one volume. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFile } from '../../src/file-lock.ts'
import { needs } from '../skips.ts'

const apart = ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL']
const root = spawnSync('unshare', [...apart, 'true']).status === 0
const built = (module: string) => JSON.stringify(new URL(`../../dist/src/${module}.js`, import.meta.url).href)
/** What has a lock, and how it is opened and closed. */
const holders = {
  'the embedded store': `
    const { lmdbStore } = await import(${built('index')})
    const held = lmdbStore(path); const open = () => held.open()`,
  'the folder of media': `
    const { fileMedia } = await import(${built('index')})
    const held = fileMedia(path); const open = () => held.open()`,
  'the storage of a client': `
    const { fileStorage } = await import(${built('client/node')})
    const held = fileStorage(path + '/alice'); const open = () => held.load()`,
}
const script = (opening: string) => `
  const [path] = process.argv.slice(1)
  ${opening}
  try { await open(); console.log('has it') } catch ({ code, message }) { console.log(code, message) }
  process.stdin.on('end', async () => { await held.close(); process.exit() }).resume()`

let path = ''
let children: ChildProcess[] = []
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'bluetick-lock-'))
  children = []
})
afterEach(async () => {
  for (const child of children) await kill(child)
  rmSync(path, { recursive: true })
})

/** Opens in a process, in a namespace of its own or not; answers what it said. */
async function opens(opening: string, where: 'apart' | 'here'): Promise<{ child: ChildProcess; said: string }> {
  const [command = '', ...args] = where === 'apart' ? ['unshare', ...apart, process.execPath] : [process.execPath]
  const child = spawn(command, [...args, '--input-type=module', '-e', script(opening), path])
  children.push(child)
  return { child, said: String((await once(child.stdout, 'data'))[0]) }
}

/** `unshare` takes what it has started with it. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const [, output] = [child.kill('SIGKILL'), once(child, 'close')]
  await output
}

const places = [
  ['here', 'here'],
  ['here', 'apart'],
  ['apart', 'here'],
  ['apart', 'apart'],
] as const

describe.each(Object.entries(holders))('%s', needs('unshare', root, 'sudo'), (_what, opening) => {
  it.each(places)('belongs to the first, which is %s, and not to the second, which is %s', async (one, other) => {
    const first = await opens(opening, one)
    expect(first.said).toBe('has it\n')
    const refused = await opens(opening, other)
    expect(refused.said).toMatch(/^(locked|storage_in_use) .* is in use by process \d+ on .*; .* choose another/)
    expect(refused.said).toContain(hostname())
    await kill(first.child)
    const next = await opens(opening, other)
    expect(next.said).toBe('has it\n')
    next.child.stdin?.end()
    await once(next.child, 'exit')
    expect(readdirSync(path).filter((name) => /lock$/i.test(name))).toEqual(
      opening.includes('lmdbStore') ? ['bluetick.mdb-lock'] : opening.includes('fileMedia') ? ['records.mdb-lock'] : [],
    )
  })
})

describe('a lock', () => {
  const file = () => join(path, 'LOCK')

  it('that was removed is not given back by removing the lock of somebody else', () => {
    const first = lockFile(file())
    rmSync(file())
    const second = lockFile(file())
    if (first.held) first.release()
    expect(readFileSync(file(), 'utf8')).toContain(`process ${process.pid}`)
    expect(lockFile(file())).toEqual({ held: false, by: `process ${process.pid} on ${hostname()}` })
    if (second.held) second.release()
    expect(readdirSync(path)).toEqual([])
  })

  it('is had by one of those that take it and give it back all the time', async () => {
    const turns = `
      import { lockFile } from ${built('file-lock')}
      import { closeSync, openSync, rmSync } from 'node:fs'
      const [path] = process.argv.slice(1)
      for (let had = 0; had < 300; ) {
        const lock = lockFile(path)
        if (!lock.held) continue
        had += 1
        closeSync(openSync(path + '.alone', 'wx'))
        rmSync(path + '.alone')
        lock.release()
      }`
    const all = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', turns, file()], { stdio: 'inherit' }),
    )
    children.push(...all)
    for (const [code] of await Promise.all(all.map((child) => once(child, 'exit')))) expect(code).toBe(0)
  })
})
