/** The machine that was measured on. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'

const packages = ['uWebSockets.js', 'lmdb', 'msgpackr', 'nact']

export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memory_bytes: number
  readonly kernel: string
  readonly node: string
  readonly packages: Record<string, string>
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_bytes: totalmem(),
    kernel: release(),
    node: process.version,
    packages: Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
  }
}

/** Not `require(name/package.json)`: some packages do not export it. */
function versionOf(name: string): string {
  const paths = createRequire(import.meta.url).resolve.paths(name) ?? []
  for (const path of paths) {
    try {
      const { version } = JSON.parse(readFileSync(join(path, name, 'package.json'), 'utf8')) as { version: string }
      return version
    } catch {
      // The next folder up.
    }
  }
  return 'unknown'
}
