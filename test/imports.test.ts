import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, it } from 'vitest'

const files = ['src', 'actors'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
)
const imports = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^(import|export) (type )?[^'\n]*(?:\{[^}]*\} )?from '([^']+)'/gm)].map(
    (match) => ({
      file,
      type: match[2] !== undefined,
      target: match[3]?.startsWith('.') ? normalize(join(dirname(file), match[3])) : (match[3] ?? ''),
    }),
  ),
)
const bad = (rule: (edge: (typeof imports)[number]) => boolean) =>
  imports.filter(rule).map(({ file, target }) => `${file} -> ${target}`)

it('finds imports at all', () => expect(imports.length).toBeGreaterThan(50))

it('lets the protocol import nothing but itself and msgpackr', () => {
  expect(
    bad(({ file, target }) => file.startsWith('src/protocol') && !/^src\/protocol|^msgpackr$/.test(target)),
  ).toEqual([])
})

it('lets the client import only the protocol and a WebSocket', () => {
  const allowed = /^src\/(protocol|client)|^#websocket$/
  const node = /^src\/client\/(node|node-file|websocket-node)\.ts$/
  expect(bad(({ file, target }) => file.startsWith('src/client') && !node.test(file) && !allowed.test(target))).toEqual(
    [],
  )
})

it('lets the hooks import only the client and React', () => {
  const allowed = /^src\/(react|client)|^react$/
  expect(bad(({ file, target }) => file.startsWith('src/react') && !allowed.test(target))).toEqual([])
})

it('lets actors import only types from src, and values from src/protocol', () => {
  const value = /^src\/(?!protocol\/)/
  expect(bad(({ file, type, target }) => file.startsWith('actors') && value.test(target) && !type)).toEqual([])
})

it('lets the runtime know no actors, no hosts and no gateway', () => {
  expect(
    bad(({ file, target }) => file.startsWith('src/runtime') && /^(actors|src\/(hosts|gateway|store))/.test(target)),
  ).toEqual([])
})

/** Who keeps the time of day, shows it, or compares it with one that outlives the process. How long something took, the monotonic clock says. */
const readers = [
  /^src\/(runtime|client)\/clock\.ts$/,
  /^src\/client\/(uuid|chats\/(agreed|book|indexeddb|memory))\.ts$/,
  /^src\/(embed\/tokens|media\/files|store\/copy|store\/cassandra\/(rows|stamps|ttl))\.ts$/,
  /^src\/web\/(banner|bubble|finder|head|list|options|settings|talk)\.ts$/,
]

it('lets few files read the clock that somebody may set', () => {
  const found = files.filter((file) => /\bDate\.now\b|\bnew Date\(\)/.test(readFileSync(file, 'utf8')))
  expect(found.length).toBeGreaterThan(5)
  expect(found.filter((file) => !readers.some((reader) => reader.test(file)))).toEqual([])
})

/** What a simulation hands in: were one of these called directly, it would run in real time, or never twice the same. */
const ambient =
  /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|set(Timeout|Interval|Immediate)|queueMicrotask|nextTick|Math\.random|random(Int|UUID|Bytes)|getRandomValues)\b/

it('lets actors, hosts and the runtime take time and chance only from the clock that they are handed', () => {
  const handed = /^(actors|src\/(hosts|embed|runtime))\/|^src\/node\.ts$/
  const found = files.filter((file) => ambient.test(readFileSync(file, 'utf8')))
  expect(found).toContain('src/runtime/clock.ts')
  // A token is made outside of any node.
  const free = /^src\/(runtime\/clock|embed\/tokens)\.ts$/
  expect(found.filter((file) => handed.test(file) && !free.test(file))).toEqual([])
})
