/** What the embedded store, and that of media, say of files that are damaged or were lost. LMDB would die of most by a signal. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilReleased } from '../../src/media/contract.ts'
import { fileMedia } from '../../src/media/files.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { message, user } from '../contracts/store.ts'

const [alice, bob] = [user('alice'), user('bob')]
const index = JSON.stringify(new URL('../../dist/src/index.js', import.meta.url).href)
const pageBytes = 4096
const folder = mkdtempSync(join(tmpdir(), 'bluetick-damaged-'))
const whole = join(folder, 'whole')

beforeAll(async () => {
  const store = lmdbStore(whole)
  await store.open()
  for (let first = 1; first < 3_000; first += 100) {
    const page = Array.from({ length: 100 }, (_, n) => message(first + n, Date.now(), 'x'.repeat((n * n) % 9_000)))
    for (const user of [alice, bob]) await store.append(user, 7, 1, page)
  }
  await store.expire(Date.now())
  await store.close()
  const media = fileMedia(join(whole, 'media'))
  await media.open()
  const upload = await media.begin(bob, null)
  await upload.write(new Uint8Array(100))
  await upload.finish('chat', untilReleased)
  await media.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

type Damages = Record<string, (path: string) => void>

/** Damages copies of the folder, and opens and reads each in one process that may die; answers what it said of each. */
function readAll(damages: Damages, of = whole): Record<string, string> {
  const script = `
    const { fileMedia, lmdbStore } = await import(${index})
    for (const path of process.argv.slice(1)) {
      const [store, media] = [lmdbStore(path), fileMedia(path + '/media')]
      try {
        await store.open()
        await media.open()
        for (const user of ['alice', 'bob']) await store.read(user, 1, 1e9, 1e9, 0)
        console.log('tail ' + (await store.load('bob'))?.tail)
        await media.close()
      } catch ({ code, message }) { console.log(code + ': ' + message) }
      await store.close()
    }`
  const paths = Object.values(damages).map((damage, n) => {
    const path = join(folder, `${n}`)
    cpSync(of, path, { recursive: true })
    damage(path)
    return path
  })
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, ...paths], { encoding: 'utf8' })
  for (const path of paths) rmSync(path, { recursive: true })
  const said = child.stdout.split('\n')
  return Object.fromEntries(Object.keys(damages).map((name, n) => [name, said[n] || String(child.signal)]))
}

const store = (path: string) => join(path, 'bluetick.mdb')
const records = (path: string) => join(path, 'media', 'records.mdb')
const noise = (length: number) => Uint8Array.from({ length }, (_, n) => ((n + 1) * (n + 7) * 2_654_435) >>> 9)

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const all = readFileSync(file)
  all.set(bytes.subarray(0, all.length - at), at)
  writeFileSync(file, all)
}

/** A length of less than 1 is a part of the file. */
function cut(file: string, length: number): void {
  truncateSync(file, length > 0 && length < 1 ? Math.floor(statSync(file).size * length) : length)
}

const is = (file: string) =>
  expect.stringMatching(
    `^corrupt: The file .*/${file} is damaged: .*\\. Put a backup in its place, or move its folder away`,
  )
const all = (damages: Damages, said: unknown) => Object.fromEntries(Object.keys(damages).map((name) => [name, said]))

/** Of a page and of a head: where it has its transaction, how many nodes it has, and its root. */
const [transactionAt, lowerAt, headTransactionAt, rootAt] = [8, 20, 152, 136]

/** A small folder, and its file before and after its last transaction. */
async function written(): Promise<{ path: string; then: Buffer; now: Buffer }> {
  const path = mkdtempSync(join(folder, 'small-'))
  const small = lmdbStore(path)
  await small.open()
  const see = (n: number) => small.saveLastSeen(new Map([[user(`user${n}`), n]]))
  for (let n = 1; n < 10; n++) await see(n)
  const then = readFileSync(store(path))
  await see(10)
  await small.close()
  return { path, then, now: readFileSync(store(path)) }
}

/** Where its newer head is, and its older one. */
function headsOf(file: Buffer): [number, number] {
  const [first, second] = [0, pageBytes].map((at) => file.readBigUInt64LE(at + headTransactionAt)) as [bigint, bigint]
  return first > second ? [0, pageBytes] : [pageBytes, 0]
}

/** Pages of its last transaction that had fewer or more nodes before: where they are. */
function changed(then: Buffer, now: Buffer): number[] {
  const last = now.readBigUInt64LE(headsOf(now)[0] + headTransactionAt)
  const pages = Array.from({ length: Math.min(then.length, now.length) / pageBytes - 2 }, (_, n) => (n + 2) * pageBytes)
  return pages.filter(
    (at) =>
      now.readBigUInt64LE(at + transactionAt) === last &&
      then.readBigUInt64LE(at + transactionAt) > 0 &&
      then.readUInt16LE(at + lowerAt) !== now.readUInt16LE(at + lowerAt),
  )
}

describe('a damaged folder', () => {
  it('is read where it is whole', () => expect(readAll({ whole: () => {} })).toEqual({ whole: 'tail 3000' }))

  it('is told from a whole one by what is in the file, and how long it is', () => {
    const damages: Damages = {}
    for (const length of [0, 1, 1_000, pageBytes, 2 * pageBytes, 2 * pageBytes + 1, 0.1, 0.5, 0.9, 0.98])
      damages[`cut to ${length}`] = (path) => cut(store(path), length)
    for (const pages of [1, 2, 4, 16, 200])
      for (const [name, bytes] of Object.entries({
        zeros: new Uint8Array(pages * pageBytes),
        noise: noise(pages * pageBytes),
      }))
        damages[`${pages} pages of ${name}`] = (path) => overwrite(store(path), 0, bytes)
    damages['a second page of noise'] = (path) => overwrite(store(path), pageBytes, noise(pageBytes))
    damages['something else'] = (path) => writeFileSync(store(path), 'Dear diary,\n'.repeat(10_000))
    expect(readAll(damages)).toEqual(all(damages, is('bluetick.mdb')))
  })

  it('is told from a whole one by a page, or a root, that is as it was before', async () => {
    const { path, then, now } = await written()
    const damages: Damages = {}
    for (const at of changed(then, now))
      damages[`page ${at / pageBytes}`] = (path) => overwrite(store(path), at, then.subarray(at, at + pageBytes))
    expect(damages).not.toEqual({})
    const [newer, older] = headsOf(now)
    damages.root = (path) => overwrite(store(path), newer + rootAt, now.subarray(older + rootAt, older + rootAt + 8))
    expect(readAll(damages, path)).toEqual(all(damages, is('bluetick.mdb')))
  })

  it('is not a new one where only its file is lost', () => {
    const damages: Damages = {
      'with the file of locks': (path) => rmSync(store(path)),
      'with media': (path) => ['', '-lock'].map((end) => rmSync(`${store(path)}${end}`)),
    }
    expect(readAll(damages)).toEqual(all(damages, is('bluetick.mdb')))
    const begun = (path: string) => {
      rmSync(path, { recursive: true })
      mkdirSync(join(path, 'media', 'files'), { recursive: true })
    }
    expect(readAll({ begun })).toEqual({ begun: 'tail undefined' })
  })

  it('is told from a whole one by the records of its media, too', () => {
    const damages: Damages = {
      cut: (path) => cut(records(path), 0.9),
      empty: (path) => cut(records(path), 0),
      noise: (path) => overwrite(records(path), 2 * pageBytes, noise(1_000_000)),
      lost: (path) => rmSync(records(path)),
      'lost with the file of locks': (path) => ['', '-lock'].map((end) => rmSync(`${records(path)}${end}`)),
    }
    expect(readAll(damages)).toEqual(all(damages, is('records.mdb')))
  })

  it('is left as it is, and opened when the file was put back', () => {
    const path = join(folder, 'again')
    const once = (damage: () => void) => {
      damage()
      const said = spawnSync(process.execPath, ['dist/src/cli/main.js', 'compact', '--data', path], {
        encoding: 'utf8',
      })
      return said.stderr
    }
    cpSync(whole, path, { recursive: true })
    expect(once(() => cut(store(path), 5 * pageBytes))).toContain('is damaged')
    expect(readFileSync(store(path))).toEqual(readFileSync(store(whole)).subarray(0, 5 * pageBytes))
    expect(once(() => cpSync(store(whole), store(path)))).toBe('')
  })
})
