/** `npm run build`, which `npm start` and `npm test` begin with, in a copy of the tree. */
import { execFile, spawn } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

function copyOfTree(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-build-'))
  for (const name of ['src', 'actors', 'bench', 'scripts', 'package.json', 'package-lock.json'])
    cpSync(name, join(folder, name), { recursive: true })
  for (const name of ['tsconfig.json', 'tsconfig.build.json']) cpSync(name, join(folder, name))
  // What scripts and the bench take from the tests.
  for (const name of ['test/dist.mjs', 'test/cassandra/server.mjs', 'test/cassandra/server.d.mts'])
    cpSync(name, join(folder, name))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  return folder
}

it('builds what has changed, says so, and leaves alone what tests run from', async () => {
  const cwd = copyOfTree()
  const build = async () => {
    const { stderr } = await run(process.execPath, ['scripts/build.mjs'], { cwd }).catch((error) => error)
    return stderr as string
  }
  const main = join(cwd, 'dist/src/cli/main.js')
  expect(await build()).toMatch(/^Building, which takes/)
  const built = statSync(main).ino
  expect(await build()).toBe('')

  const tests = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  mkdirSync(join(cwd, 'dist/.tests'))
  writeFileSync(join(cwd, 'dist/.tests', String(tests.pid)), '')
  expect(await build()).toBe('')
  appendFileSync(join(cwd, 'src/index.ts'), '// changed\n')
  expect(await build()).toContain(`Not built: tests run from dist (process ${tests.pid})`)
  expect(statSync(main).ino).toBe(built)

  const ended = new Promise((resolve) => tests.once('exit', resolve))
  tests.kill()
  await ended
  expect(await build()).toMatch(/^Building/)
  expect(statSync(main).ino).not.toBe(built)
  expect(readdirSync(cwd).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
})

it('keeps what was built when the sources do not compile', async () => {
  const cwd = copyOfTree()
  await run(process.execPath, ['scripts/build.mjs'], { cwd })
  writeFileSync(join(cwd, 'src/index.ts'), 'const n: number = "text"\n')
  await expect(run(process.execPath, ['scripts/build.mjs'], { cwd })).rejects.toMatchObject({ code: 1 })
  expect(readdirSync(cwd).filter((name) => name.startsWith('dist'))).toEqual(['dist'])
  expect(statSync(join(cwd, 'dist/src/cli/main.js')).isFile()).toBe(true)
})
