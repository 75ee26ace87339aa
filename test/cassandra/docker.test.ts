/**
 * Cassandra from a Docker engine, as far as it can be tested without one: the commands that are given, and what is said when
 * they fail. A small program plays `docker`, and answers what the real one does.
 */
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** What the program answers to a command: the lines, and the code it ends with. */
type Answers = Readonly<Record<string, { readonly out?: string; readonly err?: string; readonly code?: number }>>
const engine: Answers = {
  info: {},
  run: { out: 'c0ffee' },
  exec: {},
  port: { out: '127.0.0.1:32768\n[::1]:32768' },
  rm: { out: 'c0ffee' },
  inspect: { out: 'true' },
  logs: { out: 'Exception encountered during startup' },
}

/** Runs `code` where `docker` is the program, and there is no Java; answers what it printed and the commands that were given. */
async function play(answers: Answers, code: string): Promise<{ out: string; given: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-docker-'))
  const log = join(folder, 'log')
  writeFileSync(log, '')
  writeFileSync(
    join(folder, 'docker'),
    `#!${process.execPath}
     const [command] = process.argv.slice(2)
     require('fs').appendFileSync(${JSON.stringify(log)}, process.argv.slice(2).join(' ') + '\\n')
     const { out = '', err = '', code = 0 } = ${JSON.stringify(answers)}[command] ?? { err: 'unknown', code: 1 }
     if (out) console.log(out)
     if (err) console.error(err)
     process.exitCode = code`,
  )
  chmodSync(join(folder, 'docker'), 0o755)
  const script = `import { oneNode, provides, providesClusters } from ${JSON.stringify(new URL('server.mjs', import.meta.url))}\n${code}`
  const env = { PATH: folder, HOME: folder }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
  return { out: stdout.trim(), given: readFileSync(log, 'utf8').trim().split('\n') }
}
const start = 'try { await oneNode() } catch (error) { console.log(error.message) }'

it('is used where there is no Java; clusters are not made of it', async () => {
  const asked = 'console.log(provides(), providesClusters())'
  expect((await play(engine, asked)).out).toBe('true false')
  expect((await play({ info: { code: 1 } }, asked)).out).toBe('false false')
})

it('is one container on a free port of the loopback, removed when it is stopped', async () => {
  const { out, given } = await play(
    engine,
    'const { stop, ...node } = await oneNode(); console.log(JSON.stringify(node)); await stop()',
  )
  expect(JSON.parse(out)).toEqual({ contactPoints: ['127.0.0.1:32768'], localDc: 'datacenter1' })
  expect(given).toEqual([
    'info',
    'run -d -e MAX_HEAP_SIZE=512M -e HEAP_NEWSIZE=128M -p 127.0.0.1::9042 cassandra:5.0.5',
    'exec c0ffee cqlsh -e SELECT key FROM system.local',
    'port c0ffee 9042/tcp',
    'rm -f c0ffee',
  ])
})

it('listens where `npm run cassandra` says', async () => {
  const { given } = await play(engine, "await (await oneNode({ host: '127.0.0.1', port: 9999 })).stop()")
  expect(given[1]).toContain(' -p 127.0.0.1:9999:9042 ')
})

it('is removed when the process ends without stopping it', async () => {
  expect((await play(engine, 'await oneNode()')).given.at(-1)).toBe('rm -f c0ffee')
})

it('says what Docker said when the container cannot be had', async () => {
  const err = 'docker: Error response from daemon: manifest for cassandra:5.0.5 not found.'
  const { out, given } = await play({ ...engine, run: { err, code: 125 } }, start)
  expect(out).toBe(`Docker did not start Cassandra: ${err}`)
  expect(given).toHaveLength(2)
})

it('shows its log when it has ended, or is not up in time, and leaves nothing behind', async () => {
  const deaf = { ...engine, exec: { code: 1 } }
  const ended = await play({ ...deaf, inspect: { out: 'false' } }, start)
  expect(ended.out).toBe('Cassandra in Docker ended:\nException encountered during startup')
  expect(ended.given.slice(-2)).toEqual(['logs --tail 50 c0ffee', 'rm -f c0ffee'])
  const late = await play(deaf, start.replace('oneNode()', 'oneNode({ upMs: 1 })'))
  expect(late.out).toBe('Cassandra in Docker was not up in time:\nException encountered during startup')
  expect(late.given.at(-1)).toBe('rm -f c0ffee')
})
