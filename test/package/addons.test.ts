/** SECURITY.md has the hash of each compiled file that is installed here and that a node loads. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const rows = [
  ...readFileSync('SECURITY.md', 'utf8').matchAll(/^\| `([^`]+)` \| ([\d.]+) \| [^|]+ \| `([\da-f]{64})` \|$/gm),
]
const listed = new Map(rows.map(([, file = '', version, hash]) => [file, { version, hash }]))
const folders = ['@uwsjs', '@lmdb', '@msgpackr-extract', 'fs-native-extensions/prebuilds/linux-x64']

/** Those of 64-bit Linux, which the table is of. */
const here = process.platform === 'linux' && process.arch === 'x64' ? folders.flatMap(addons) : []

function addons(folder: string): string[] {
  return readdirSync(join('node_modules', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.node'))
    .map((name) => `${folder}/${name}`)
}

it('by its SHA-256, with the version that is locked', () => {
  expect(rows.length).toBeGreaterThan(10)
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  for (const [file, { version }] of listed) {
    const name = file.split('/').slice(0, file.startsWith('@') ? 2 : 1)
    expect(packages[`node_modules/${name.join('/')}`]?.version, file).toBe(version)
  }
  for (const file of here) {
    const hash = createHash('sha256')
      .update(readFileSync(join('node_modules', file)))
      .digest('hex')
    expect(listed.get(file)?.hash, file).toBe(hash)
  }
})
