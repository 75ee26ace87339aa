import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** `type`: only types are imported, which are gone when the program runs. */
type Edge = { readonly file: string; readonly target: string; readonly type: boolean }

/** The rooms of the server, from the ground up: each may import those before it. docs/architecture.md has the picture. */
const floors = [
  'protocol',
  'runtime',
  'store',
  'actors',
  'media',
  'embed',
  'hosts',
  'cluster',
  'forwarding',
  'gateway',
  'operations',
  'node',
  'index',
  'cli',
]
/** What stands beside the server, with what it may import. */
const beside: Readonly<Record<string, readonly string[]>> = {
  client: ['protocol'],
  react: ['client'],
  web: ['client', 'protocol'],
  'file-lock': [],
}
/** Hosts of one kind of actors. */
const hosts = ['users.ts', 'presence.ts', 'groups/', 'sessions/'].map((name) => `src/hosts/${name}`)
/** Cryptography in plain JavaScript, of which the base of the SDK has nothing (test/client/bundle.test.ts). */
const noble = [
  ...['ciphers/aes.js', 'ciphers/utils.js', 'ed25519'],
  ...['curves/abstract/modular.js', 'curves/abstract/montgomery.js', 'curves/utils.js'],
  ...['hashes/hkdf.js', 'hashes/hmac.js', 'hashes/sha2.js', 'hashes/utils.js'],
].map((path) => `@noble/${path}`)
/** The packages that a room may use which also runs where there is no Node.js, or that knows none. */
const packages: Readonly<Record<string, readonly string[]>> = {
  protocol: ['msgpackr', ...noble],
  actors: [],
  client: ['#websocket', ...noble],
  react: ['react'],
  // It draws for browsers.
  web: ['uplot', 'qr', 'qr/decode.js'],
}
/** Of the client: only for programs that run on Node.js. */
const forNode = /^src\/client\/(node|node-file|websocket-node)\.ts$/

/** The room that a file is in; undefined: of a package. */
const roomOf = (path: string): string | undefined => /^(?:src\/)?([\w-]+)/.exec(inHouse(path) ? path : '')?.[1]
const inHouse = (path: string): boolean => /^(src|actors|bench)\//.test(path)
const floorOf = (path: string): number => floors.indexOf(roomOf(path) ?? '')

/** Each rule in a sentence, and whether an import breaks it. */
const rules: Readonly<Record<string, (edge: Edge) => boolean>> = {
  'a room imports only rooms below it': ({ file, target }) => floorOf(file) >= 0 && floorOf(target) > floorOf(file),
  'a room of the server imports nothing that stands beside it': ({ file, target }) =>
    floorOf(file) >= 0 &&
    inHouse(target) &&
    floorOf(target) < 0 &&
    !(roomOf(target) === 'file-lock' && /^(store|cluster)$/.test(roomOf(file) ?? '')) &&
    !(roomOf(target) === 'bench' && file === 'src/cli/main.ts'),
  'client, hooks and page import only each other and the protocol': ({ file, target }) =>
    inHouse(target) &&
    roomOf(file) !== roomOf(target) &&
    beside[roomOf(file) ?? '']?.includes(roomOf(target) ?? '') === false &&
    !(forNode.test(file) && roomOf(target) === 'file-lock'),
  'actors import values of the protocol, and types of rooms below': ({ file, target, type }) =>
    roomOf(file) === 'actors' && inHouse(target) && !/^(actors|protocol)$/.test(roomOf(target) ?? '') && !type,
  'a host imports no other host': ({ file, target }) =>
    roomOf(file) === 'hosts' && hosts.some((host) => target.startsWith(host) && !file.startsWith(host)),
  'the cluster knows neither actors nor their hosts': ({ file, target }) =>
    roomOf(file) === 'cluster' &&
    inHouse(target) &&
    !/^(protocol|runtime|store|cluster|file-lock)$/.test(roomOf(target) ?? ''),
  'the gateway knows no store': ({ file, target }) => roomOf(file) === 'gateway' && roomOf(target) === 'store',
  'actors, and what runs in browsers, use no package of Node.js': ({ file, target }) =>
    !inHouse(target) && packages[roomOf(file) ?? '']?.includes(target) === false && !forNode.test(file),
}

const broken = (edges: readonly Edge[]): string[] =>
  Object.entries(rules).flatMap(([rule, isBroken]) =>
    edges
      .filter(isBroken)
      .map(({ file, target, type }) => `${rule}: ${file} imports ${type ? 'types of ' : ''}${target}`),
  )

const forms =
  /^[ \t]*(?:import|export)\s+(type\s)?(?:([\w$*\s,]*(?:\{[^}]*\})?)\s*\bfrom\s+)?['"]([^'"\n]+)['"]|(\btypeof\s+)?\bimport\(\s*['"]([^'"\n]+)['"]/gm
const onlyTypes = /^\{(\s*type\s[^,}]+,?)+\s*\}$/

/** What the text of a file imports, in any form. */
function importsOf(file: string, text: string): Edge[] {
  return [...text.matchAll(forms)].map(([, word, names = '', from, of, dynamic]) => {
    const path = from ?? dynamic ?? ''
    const target = path.startsWith('.') ? normalize(join(dirname(file), path)) : path
    return { file, target, type: Boolean(word || of) || onlyTypes.test(names.trim()) }
  })
}

const files = ['src', 'actors', 'bench'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
)
const edges = files.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')))

it('keeps the rules of the house', () => expect(broken(edges)).toEqual([]))

it('finds the imports of each room', () => {
  const rooms = new Set(edges.map(({ file }) => roomOf(file)))
  expect([...floors, ...Object.keys(beside), 'bench'].filter((room) => !rooms.has(room))).toEqual([])
})

it('puts each file into a room', () => {
  const rooms = [...floors, ...Object.keys(beside), 'bench', 'fs-native-extensions']
  expect(files.filter((file) => !rooms.includes(roomOf(file) ?? ''))).toEqual([])
})

describe('an import', () => {
  const seen: readonly (readonly [string, string, boolean])[] = [
    ["import { a } from './a.ts'", 'src/hosts/a.ts', false],
    ["import { type A } from './a.ts'", 'src/hosts/a.ts', true],
    ["import { type A, b } from './a.ts'", 'src/hosts/a.ts', false],
    ["import {\n  type A,\n  type B,\n} from '../a.ts'", 'src/a.ts', true],
    ["import {\n  type A,\n  b,\n} from '../a.ts'", 'src/a.ts', false],
    ["import type {\n  A,\n  B,\n} from './a.ts'", 'src/hosts/a.ts', true],
    ["import a, { b } from 'a'", 'a', false],
    ["import * as a from './a.ts'", 'src/hosts/a.ts', false],
    ["import './a.ts'", 'src/hosts/a.ts', false],
    ["export { a } from './a.ts'", 'src/hosts/a.ts', false],
    ["export * from './a.ts'", 'src/hosts/a.ts', false],
    ["export type { A } from './a.ts'", 'src/hosts/a.ts', true],
    ["  const { a } = await import('./a.ts')", 'src/hosts/a.ts', false],
    ["type A = typeof import('a')", 'a', true],
    ["export type A = { b: string }\nimport { a } from './a.ts'", 'src/hosts/a.ts', false],
  ]
  it.each(seen)('is seen in %j', (text, target, type) =>
    expect(importsOf('src/hosts/x.ts', text)).toEqual([{ file: 'src/hosts/x.ts', target, type }]),
  )

  const refused: readonly (readonly [string, string, string, 'type'?])[] = [
    ['a room imports only rooms below it', 'src/protocol/x.ts', 'src/store/lmdb.ts', 'type'],
    ['a room imports only rooms below it', 'src/runtime/x.ts', 'actors/presence.ts', 'type'],
    ['a room imports only rooms below it', 'src/store/x.ts', 'src/hosts/users.ts'],
    ['a room imports only rooms below it', 'src/hosts/logs/x.ts', 'src/node.ts', 'type'],
    ['a room imports only rooms below it', 'src/node.ts', 'src/index.ts'],
    ['a room imports only rooms below it', 'src/gateway/x.ts', 'src/node/hosts.ts', 'type'],
    ['a room of the server imports nothing that stands beside it', 'src/hosts/x.ts', 'src/client/link.ts'],
    ['a room of the server imports nothing that stands beside it', 'src/node.ts', 'bench/main.ts'],
    ['client, hooks and page import only each other and the protocol', 'src/client/x.ts', 'src/runtime/clock.ts'],
    ['client, hooks and page import only each other and the protocol', 'src/react/x.ts', 'src/protocol/ids.ts'],
    ['actors import values of the protocol, and types of rooms below', 'actors/x.ts', 'src/runtime/index.ts'],
    ['a host imports no other host', 'src/hosts/users.ts', 'src/hosts/groups/groups.ts', 'type'],
    ['a host imports no other host', 'src/hosts/logs/x.ts', 'src/hosts/users.ts', 'type'],
    ['the cluster knows neither actors nor their hosts', 'src/cluster/x.ts', 'src/hosts/users.ts', 'type'],
    ['the cluster knows neither actors nor their hosts', 'src/cluster/x.ts', 'actors/user/messages.ts', 'type'],
    ['the gateway knows no store', 'src/gateway/x.ts', 'src/store/contract.ts', 'type'],
    ['actors, and what runs in browsers, use no package of Node.js', 'actors/x.ts', 'node:crypto'],
    ['actors, and what runs in browsers, use no package of Node.js', 'src/web/x.ts', 'lmdb'],
  ]
  for (const [rule, file, target, type] of refused)
    it(`is refused, since ${rule}: ${file} imports ${target}`, () =>
      expect(broken([{ file, target, type: type !== undefined }])).toEqual([
        `${rule}: ${file} imports ${type ? 'types of ' : ''}${target}`,
      ]))
})

/** Who keeps the time of day, shows it, or compares it with one that outlives the process. How long something took, the monotonic clock says. */
const readers = [
  /^bench\//,
  /^src\/(runtime|client)\/clock\.ts$/,
  /^src\/client\/(uuid|chats\/(agreed|book|indexeddb|memory))\.ts$/,
  /^src\/(embed\/tokens|media\/(files|shared)|store\/copy|store\/cassandra\/(rows|stamps|ttl))\.ts$/,
  /^src\/web\/(admin\/page|banner|bubble|finder|head|list|options|settings|tagging|talk)\.ts$/,
]

it('lets few files read the clock that somebody may set', () => {
  const found = files.filter((file) => /\bDate\.now\b|\bnew Date\(\)/.test(readFileSync(file, 'utf8')))
  expect(found.length).toBeGreaterThan(5)
  expect(found.filter((file) => !readers.some((reader) => reader.test(file)))).toEqual([])
})

/** What a simulation hands in: were one of these called directly, it would run in real time, or never twice the same. */
const ambient =
  /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|set(Timeout|Interval|Immediate)|queueMicrotask|nextTick|Math\.random|random(Int|UUID|Bytes)|getRandomValues)\b/

it('lets actors, hosts, the cluster and the runtime take time and chance only from the clock that they are handed', () => {
  const handed = /^(actors|src\/(cluster|hosts|embed|runtime|node))\/|^src\/node\.ts$/
  const found = files.filter((file) => ambient.test(readFileSync(file, 'utf8')))
  expect(found).toContain('src/runtime/clock.ts')
  // A token is made outside of any node.
  const free = /^src\/(runtime\/clock|embed\/tokens)\.ts$/
  expect(found.filter((file) => handed.test(file) && !free.test(file))).toEqual([])
})
