/** A project of someone who has installed the package: what `npm pack` makes, and its dependencies, in a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type Project = {
  readonly folder: string
  write(name: string, content: string): void
  /** Runs a command in the folder. Resolves with what it printed; rejects, with the same, when it fails. */
  run(command: string, ...args: string[]): Promise<string>
}

/**
 * Linking instead of installing is equally true: only what the package declares can be found from its folder. `more`: what the
 * project has installed beside it.
 */
export async function makeProject(...more: readonly string[]): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-project-'))
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder])
  const [tarball = ''] = readdirSync(folder)
  const home = join(folder, 'node_modules/bluetick')
  mkdirSync(home, { recursive: true })
  await run('tar', ['-xzf', join(folder, tarball), '--strip-components=1', '-C', home])
  for (const name of [...Object.keys(dependencies), '@types/node', ...more]) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return {
    folder,
    write: (name, content) => writeFileSync(join(folder, name), content),
    run: async (command, ...args) => {
      try {
        return (await run(command, args, { cwd: folder })).stdout
      } catch (error) {
        const { message, stdout, stderr } = error as { message: string; stdout: string; stderr: string }
        throw new Error(`${message}\n${stdout}${stderr}`)
      }
    },
  }
}

/** What such a project's TypeScript is told; `types` of Node, since a service runs there. */
export const compilerOptions = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  types: ['node'],
  strict: true,
  skipLibCheck: false,
}
