/** The lock file has an entry for each package of each platform: without them `npm ci` refuses it. `npm run lock` enters them. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

function copied(): { folder: string; npm: (...args: string[]) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'bluetick-lock-'))
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(name, join(folder, name))
  // Without a registry and an empty cache: npm has nothing but the lock file.
  const alone = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', join(folder, 'cache')]
  return { folder, npm: (...args) => execFileSync('npm', [...args, ...alone], { cwd: folder, encoding: 'utf8' }) }
}

it('lets npm ci install from it', () => {
  expect(copied().npm('ci', '--dry-run')).toContain('added')
})

it('keeps its entries when npm install goes over it', () => {
  const { folder, npm } = copied()
  npm('install', '--package-lock-only')
  const places = (path: string) => Object.keys(JSON.parse(readFileSync(path, 'utf8')).packages)
  expect(places(join(folder, 'package-lock.json'))).toEqual(places('package-lock.json'))
})
