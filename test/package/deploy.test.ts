/** The files of docs/deploy: an image, as far as it can be tested without an engine, and the unit for systemd. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../ports.ts'
import { needs } from '../skips.ts'

describe('the image', () => {
  const lines = readFileSync('docs/deploy/Dockerfile', 'utf8')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  const of = (instruction: string) =>
    last.flatMap((line) => (line.startsWith(`${instruction} `) ? [line.slice(instruction.length + 1)] : []))
  const env = Object.fromEntries(of('ENV').flatMap((line) => line.split(' ').map((pair) => pair.split('='))))

  it('is built of what its context has', () => {
    const ignored = readFileSync('docs/deploy/Dockerfile.dockerignore', 'utf8').split('\n').filter(Boolean)
    const [all, ...context] = ignored
    expect(all).toBe('**')
    const there = context.map((line) => line.slice(1))
    expect(there.filter((path) => !existsSync(path))).toEqual([])
    for (const path of ['scripts/build.mjs', 'test/dist.mjs', 'src/web/build.mjs', 'schema.cql'])
      expect(
        there.some((name) => path.startsWith(name)),
        path,
      ).toBe(true)
  })

  it('runs as nobody in particular, whose the data is', () => {
    expect(of('USER')).toEqual(['node'])
    expect(last.indexOf('USER node')).toBeLessThan(last.findIndex((line) => line.startsWith('CMD')))
    expect(of('VOLUME')).toEqual([env['BLUETICK_DATA']])
    expect(of('RUN').join()).toContain(`install -d -o node -g node ${env['BLUETICK_DATA']}`)
  })

  it('serves with the files that it has, and says how it is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bluetick-image-'))
    const copied = of('COPY').flatMap((line) => [...line.matchAll(/\/bluetick\/(\S+)/g)].map(([, name = '']) => name))
    for (const name of copied) symlinkSync(resolve(name), join(folder, name))
    const port = await freePort()
    writeFileSync(join(folder, 'secret'), 'x'.repeat(32))
    const own = {
      BLUETICK_HOST: '127.0.0.1',
      BLUETICK_PORT: String(port),
      BLUETICK_DATA: join(folder, 'data'),
      BLUETICK_SECRET_FILE: join(folder, 'secret'),
    }
    const variables = { ...process.env, ...env, ...own }
    const [, run = ''] = /CMD (\[.*\])/.exec(of('HEALTHCHECK')[0] ?? '') ?? []
    const [command = '', ...args] = JSON.parse(run)
    const health = () =>
      promisify(execFile)(command, args, { env: variables }).then(
        () => 0,
        ({ code }) => code,
      )
    expect(await health()).toBe(1)
    const serve = spawn(join(folder, 'dist/src/cli/main.js'), JSON.parse(of('CMD').at(-1) ?? '[]').slice(1), {
      cwd: folder,
      env: variables,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void serve.kill('SIGKILL'))
    await once(serve.stdout, 'data')
    expect(await health()).toBe(0)
    const ended = once(serve, 'exit')
    serve.kill(of('STOPSIGNAL')[0] as NodeJS.Signals)
    expect(await ended).toEqual([0, null])
  })
})

const systemd = needs('systemd', existsSync('/usr/bin/systemd-analyze'), 'apt-get install systemd')

describe('the unit', systemd, () => {
  it('is one that systemd takes', () => {
    const unit = readFileSync('docs/deploy/bluetick.service', 'utf8')
    expect(unit).toContain('ExecStart=/usr/bin/bluetick serve')
    const file = join(mkdtempSync(join(tmpdir(), 'bluetick-unit-')), 'bluetick.service')
    writeFileSync(file, unit.replace('/usr/bin/bluetick', resolve('dist/src/cli/main.js')))
    expect(execFileSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })).toBe('')
  })

  it('has variables that there are', () => {
    const unit = readFileSync('docs/deploy/bluetick.service', 'utf8')
    const known = readdirSync('src/cli')
      .map((name) => readFileSync(join('src/cli', name), 'utf8'))
      .join()
    const set = [...unit.matchAll(/(BLUETICK_\w+)=/g)].map(([, name = '']) => name)
    expect(set.length).toBeGreaterThan(3)
    expect(set.filter((name) => !known.includes(`'${name}'`))).toEqual([])
  })
})
