/** A disk on which writes fail: a node ends in words, or says that there is no room, and has all that it said was safe. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/client/index.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { user } from '../contracts/store.ts'
import { needs } from '../skips.ts'

const gcc = spawnSync('gcc', ['--version']).status === 0
const { EIO, EDQUOT, ENOSPC, EROFS } = constants.errno
const bob = user('bob')
const shim = join(mkdtempSync(join(tmpdir(), 'bluetick-shim-')), 'failing.so')
let folder = ''
let data = ''
let when = ''
let child: ChildProcess | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bluetick-failing-'))
  data = join(folder, 'data')
  when = join(folder, 'when')
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

const failing = (call: 'write' | 'sync') => ({
  ...process.env,
  LD_PRELOAD: shim,
  FAIL_BELOW: data,
  FAIL_WHEN: when,
  FAIL_CALL: call,
})

/** Appends, from the 20th on to a disk that fails with `errno`; when it works again, once more. Answers what was printed. */
function append(call: 'write' | 'sync', errno: number): { printed: string[]; status: number | null } {
  const script = `
    import { rmSync, writeFileSync } from 'node:fs'
    import { lmdbStore } from ${JSON.stringify(new URL('../../dist/src/store/lmdb.js', import.meta.url).href)}
    const [path, when, errno] = process.argv.slice(1)
    const store = lmdbStore(path)
    await store.open({ broke: ({ code }) => console.log('broke', code), damaged() {} })
    let tail = 0
    const append = async () => {
      const seq = tail + 1
      const id = '00000000-0000-7000-8000-' + String(seq).padStart(12, '0')
      await store.append('bob', 7, 1, [{ is: 'message', seq, time: 2e8, id, from: 'alice', body: 'x'.repeat(8000) }])
      tail = seq
    }
    const said = (error) => { console.log(error.message) }
    for (let n = 1; n < 20; n++) await append()
    writeFileSync(when, errno)
    for (let n = 1; n < 10; n++) await append().catch(({ code }) => console.log(code))
    await store.saveLastSeen('bob', 5).catch(said)
    console.log('health', (await store.health()).ok)
    rmSync(when)
    console.log('health', (await store.health()).ok)
    await append().catch(() => {})
    await store.close()
    console.log('tail', tail)`
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, data, when, String(errno)],
    { encoding: 'utf8', env: failing(call) },
  )
  return { printed: stdout.trim().split('\n'), status }
}

async function tail(): Promise<number | undefined> {
  const store = lmdbStore(data)
  await store.open()
  const record = await store.load(bob)
  const read = await store.read(bob, 1, 1_000, Number.MAX_SAFE_INTEGER, 0)
  await store.close()
  expect(read).toHaveLength(record?.tail ?? 0)
  return record?.tail
}

describe('a disk that fails', needs('gcc', gcc, 'apt-get install gcc libc6-dev'), () => {
  beforeAll(() => void execFileSync('gcc', ['-shared', '-fPIC', '-o', shim, 'test/store/failing.c', '-ldl']))

  it.each([
    ['write', EIO],
    ['write', EROFS],
    ['sync', EIO],
  ] as const)('in %s with error %d is written to no more, and nothing is lost', async (call, errno) => {
    for (let round = 0; round < 3; round++) {
      rmSync(data, { recursive: true, force: true })
      const { printed, status } = append(call, errno)
      const said = `Writing to ${data} failed: `
      expect(printed).toEqual([
        'broke failed',
        ...Array(9).fill('failed'),
        expect.stringMatching(`^${said}.*nothing is lost that was said to be safe; look at the disk, and start again`),
        'health false',
        'health false',
        'tail 19',
      ])
      expect(status).toBe(0)
      expect(await tail()).toBe(19)
    }
  })

  it.each([
    ['write', ENOSPC],
    ['write', EDQUOT],
  ] as const)('in %s with error %d is full, and is written to again when there is room', async (call, errno) => {
    const { printed, status } = append(call, errno)
    expect(printed).toEqual([
      ...Array(9).fill('full'),
      `The disk of ${data} is full, or its quota; make room, and the node goes on.`,
      'health false',
      'health true',
      'tail 20',
    ])
    expect(status).toBe(0)
    expect(await tail()).toBe(20)
  })

  /** Starts a node on the data folder; answers its address, and what it printed. */
  async function serve(env: NodeJS.ProcessEnv) {
    const node = spawn(process.execPath, ['dist/src/cli/main.js', 'serve', '--port', '0', '--data', data], { env })
    child = node
    let out = ''
    const exited = new Promise<number | null>((resolve) => void node.once('exit', resolve))
    for (const pipe of [node.stdout, node.stderr])
      pipe.on('data', (text) => {
        out += text
      })
    await expect.poll(() => out).toMatch(/listens on ws:\S+/)
    return { url: /ws:\S+/.exec(out)?.[0] ?? '', exited, out: () => out }
  }

  it('ends the node that serves from it, in words, and the next one has all that was sent', async () => {
    const first = await serve(failing('write'))
    const alice = connect({ url: first.url, token: 'alice' })
    for (let n = 1; n <= 20; n++) await alice.send('bob', `${n}`)
    writeFileSync(when, String(EIO))
    const late = alice.send('bob', '21')
    expect(await first.exited).toBe(1)
    expect(first.out()).toMatch(/bluetick serve: Writing to .* failed: EIO.*look at the disk, and start again/)
    rmSync(when)
    await alice.close()
    await late.catch(() => {})
    expect(await tail()).toBeGreaterThanOrEqual(20)
  })

  it('is not ready while it is full, and is again when there is room', async () => {
    const node = await serve(failing('write'))
    const http = node.url.replace('ws', 'http')
    const ready = async () => {
      const answer = await fetch(`${http}/readyz`)
      return `${answer.status} ${await answer.text()}`
    }
    const alice = connect({ url: node.url, token: 'alice' })
    await alice.send('bob', '1')
    expect(await ready()).toBe('200 ready\n')
    writeFileSync(when, String(EDQUOT))
    const second = alice.send('bob', '2')
    await expect
      .poll(ready)
      .toBe(`503 not ready: The disk of ${data} is full, or its quota; make room, and the node goes on.\n`)
    expect((await fetch(`${http}/healthz`)).status).toBe(200)
    rmSync(when)
    await expect.poll(ready).toBe('200 ready\n')
    await second
    await alice.close()
  })
})
