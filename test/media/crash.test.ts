/** The file store is killed at any moment: what it has answered is there, and nothing is left that no record names. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { expect, it } from 'vitest'
import { fileMedia } from '../../src/media/files.ts'
import type { MediaId } from '../../src/protocol/media.ts'
import { idOf } from '../contracts/media.ts'

/** Uploads, refers, breaks off, collects and releases, many at a time; says on its output what was answered, and what it is about to end. */
const writer = `
import { randomBytes, randomUUID } from 'node:crypto'
import { fileMedia } from './dist/src/index.js'
const store = fileMedia(process.argv[1])
await store.open()
const say = (...words) => process.stdout.write(words.join(' ') + '\\n')
async function work() {
  for (;;) {
    const upload = await store.begin('user ' + randomUUID(), null)
    await upload.write(randomBytes(1 + Math.random() * 50_000))
    const what = Math.random()
    if (what < 0.2) { await upload.drop(); continue }
    if (what < 0.3) { await upload.pause(); continue }
    const holder = randomUUID() + '/'
    const short = what < 0.6
    const { id } = await upload.finish(holder, short ? 1_000 : Number.MAX_SAFE_INTEGER)
    if (short) { await store.collect(2_000); continue }
    say('kept', id)
    if (what < 0.8) continue
    await store.refer(id, [holder + 'again'], Number.MAX_SAFE_INTEGER)
    say('ending', id)
    await store.release(holder)
    say('ended', id)
  }
}
say('ready')
await Promise.all(Array.from({ length: 8 }, work))
`

/** Runs the writer, and kills it so long after its first words. */
function killed(path: string, ms: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), ms))
  child.stdout.on('data', (text) => {
    said += text
  })
  // A last line without its end was not said.
  return new Promise((resolve) => child.once('close', () => resolve(said.split('\n').slice(0, -1))))
}

async function named(path: string): Promise<string[]> {
  const root = open({ path: join(path, 'records.mdb'), maxDbs: 8, readOnly: true })
  const files = ['media', 'begun'].flatMap((name) =>
    [...root.openDB<{ file: string }, string>({ name }).getRange({})].map(({ value }) => value.file),
  )
  await root.close()
  return files
}

it('keeps what it answered, and no file that nothing names', async () => {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-media-kill-'))
  const said: string[] = []
  const of = (what: string) =>
    new Set(said.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(-64)))
  for (let round = 0; round < 5 || of('ended').size < 10; round++)
    said.push(...(await killed(path, 50 + Math.random() * 400)))
  const [kept, ending, ended] = [of('kept'), of('ending'), of('ended')]

  const store = fileMedia(path)
  await store.open()
  for (const id of kept) {
    const there = await store.find(id as MediaId)
    if (ended.has(id)) expect(there).toBeUndefined()
    if (ending.has(id)) continue
    const chunks: Uint8Array[] = []
    for await (const chunk of store.read(id as MediaId, 0, (there?.size ?? 0) - 1)) chunks.push(chunk)
    expect(idOf(Buffer.concat(chunks))).toBe(id)
  }
  await store.close()
  const files = readdirSync(join(path, 'files'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const names = new Set(await named(path))
  expect(files.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([])
})
