/** What the other servers need, installed into a folder of its own: none of it is a dependency of Bluetick. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

export const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'bluetick-peers')

/** From npm: also a native module, which is compiled here where no built one can be had. */
const packages = ['socket.io@4.8.4', 'better-sqlite3@12.11.1', 'uWebSockets.js@npm:@uwsjs/core@20.51.4']
/** The headers of this Node, where it was installed with them: without them node-gyp would fetch them. */
const nodeFolder = dirname(dirname(process.execPath))

/** Installs the packages of Socket.IO's server; throws with what npm said. */
export function installPackages(): void {
  const wanted = join(cache, 'installed.json')
  if (existsSync(wanted) && readFileSync(wanted, 'utf8') === JSON.stringify(packages)) return
  mkdirSync(cache, { recursive: true })
  const headers = existsSync(join(nodeFolder, 'include/node/common.gypi')) ? { npm_config_nodedir: nodeFolder } : {}
  run('npm', ['install', '--prefix', cache, '--no-audit', '--no-fund', ...packages], headers)
  writeFileSync(wanted, JSON.stringify(packages))
}

/** Builds a program of a Go module; answers where it is. */
export function installModule(name: string, module: string): string {
  const program = join(cache, 'bin', name)
  if (!existsSync(program)) run('go', ['install', module], { GOBIN: dirname(program) })
  return program
}

/** Where a program of the system is; throws with how to get it. */
export function onPath(program: string, howToGet: string): string {
  // Of a daemon, which is on the path of root alone.
  const path = `${process.env['PATH']}:/usr/sbin:/usr/local/sbin`
  const { stdout } = spawnSync('sh', ['-c', `command -v ${program}`], {
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  })
  if (!stdout) throw new Error(`not installed; get it with: ${howToGet}`)
  return stdout.trim()
}

export const versionOf = (name: string): string =>
  (JSON.parse(readFileSync(join(cache, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version

function run(command: string, args: readonly string[], env: Record<string, string>): void {
  console.error(`bench peers: ${command} ${args.join(' ')} ...`)
  try {
    execFileSync(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '').trim()
    throw new Error(said.split('\n').at(-1) || (error as Error).message)
  }
}
