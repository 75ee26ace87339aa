// npm run build: compiles into dist, unless dist was built from the same sources. What is built takes its place when it is
// whole, and never while tests run from it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testsRunning } from '../test/dist.mjs'

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'))
const sources = [
  'src',
  'actors',
  'bench',
  'scripts/build.mjs',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
const stamp = 'dist/.built'

function hashOf(paths) {
  const files = paths.flatMap((path) =>
    statSync(path).isFile() ? [path] : readdirSync(path, { recursive: true }).map((name) => join(path, name)),
  )
  const hash = createHash('sha256')
  for (const file of files.filter((file) => statSync(file).isFile()).sort())
    hash.update(`${file}\n${statSync(file).size}\n`).update(readFileSync(file))
  return hash.digest('hex')
}

/** Another build may do the same at the same time: whoever comes last has the place. */
function putInPlace(next) {
  const old = `${next}.old`
  const taken = ({ code }) => ['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(code)
  for (;;) {
    try {
      if (existsSync('dist')) renameSync('dist', old)
      renameSync(next, 'dist')
      return rmSync(old, { recursive: true, force: true })
    } catch (error) {
      if (!taken(error)) throw error
      rmSync(old, { recursive: true, force: true })
    }
  }
}

function build(hash) {
  const next = `dist.${process.pid}`
  console.error('Building, which takes some seconds, or 20 on a slow machine ...')
  const tool = (...args) => execFileSync(process.execPath, args, { stdio: 'inherit' })
  try {
    tool('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', next)
    tool('src/web/build.mjs', join(next, 'web'))
    chmodSync(join(next, 'src/cli/main.js'), 0o755)
    writeFileSync(join(next, '.built'), hash)
    putInPlace(next)
  } catch (error) {
    // The compiler has said what is wrong.
    if (error.status === undefined) throw error
    process.exitCode = 1
  } finally {
    rmSync(next, { recursive: true, force: true })
  }
}

const hash = hashOf(sources)
const tests = testsRunning()
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) process.exit()
if (tests === undefined) build(hash)
else {
  console.error(`Not built: tests run from dist (process ${tests}), and the sources have changed since it was built.
Wait until they have ended, or start what is built: node dist/src/cli/main.js serve`)
  process.exitCode = 1
}
