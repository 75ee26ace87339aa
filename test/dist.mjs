// Tests run programs from dist: while they do, it stays as it is. Each run has a file in it, which scripts/build.mjs looks for.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = 'dist/.tests'

/** Vitest calls it before all tests, and what it answers after them. Who watches tests wants to build beside them. */
export default function holdDist({ config }) {
  if (config.watch) return
  const file = join(folder, String(process.pid))
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, '')
  return () => rmSync(file, { force: true })
}

/** A process that runs tests from dist, if one does. */
export function testsRunning() {
  try {
    return readdirSync(folder).find((name) => lives(Number(name)))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}

function lives(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}
