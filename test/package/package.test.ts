/** The package as its users get it: every entry point, from TypeScript, ESM, CommonJS and a bundler for browsers. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { beforeAll, expect, it } from 'vitest'
import { blocks } from '../docs/blocks.ts'
import { compilerOptions, makeProject, type Project } from './project.ts'

const tsc = resolve('node_modules/.bin/tsc')

let project: Project
beforeAll(async () => {
  project = await makeProject('react', '@types/react', 'csstype')
})

const chat = `
import { createNode, memoryStore, type NodeOptions } from 'bluetick'
import { connect, type Outgoing } from 'bluetick/client'
import { msgpack } from 'bluetick/client/msgpack'
import { fileStorage } from 'bluetick/client/node'

const options: NodeOptions = { store: memoryStore(), onRead: ({ from, to }) => console.log(\`\${to} read \${from}\`) }
const node = createNode(options)
const { url } = await node.listen({ port: 0 })
const alice = connect({ url, token: 'alice', storage: fileStorage('./alice') })
const bob = connect({ url, token: 'bob', codec: msgpack })
const message: Outgoing = await alice.send('bob', 'hi')
for await (const { body, read } of bob.messages()) {
  console.log(body)
  read()
  break
}
await alice.reached(message.id, 'read')
await Promise.all([alice.close(), bob.close()])
await node.close()
`

it.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])('compiles and runs with its types: module %s, resolution %s', async (module, moduleResolution) => {
  project.write('chat.ts', chat)
  const options = { ...compilerOptions, module, moduleResolution }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['chat.ts'] }))
  await project.run(tsc)
  expect((await project.run(process.execPath, 'chat.js')).split('\n')).toEqual(['hi', 'bob read alice', ''])
})

const sdk = `
import { connect, type Outgoing } from 'bluetick/client'
import { msgpack } from 'bluetick/client/msgpack'

const alice = connect({ url: 'ws://127.0.0.1:8080', token: 'alice', codec: msgpack })
const message: Outgoing = await alice.send('bob', 'hi')
for await (const { body, read } of alice.messages()) {
  console.log(body, message.state)
  read()
}
await alice[Symbol.asyncDispose]()
`
const resolutions = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
]
const libs = ['es2022', 'es2024', 'esnext'].map((lib) => [lib, 'dom'])

it.each(libs.flatMap((lib) => resolutions.map((resolution) => ({ lib, ...resolution }))))(
  'has an SDK that compiles without the types of Node: lib $lib, module $module',
  async (options) => {
    project.write('sdk.ts', sdk)
    const all = { ...compilerOptions, target: 'es2022', types: [], noEmit: true, ...options }
    project.write('tsconfig.json', JSON.stringify({ compilerOptions: all, files: ['sdk.ts'] }))
    await project.run(tsc)
  },
)

it('has hooks for React, whose example in the docs compiles', async () => {
  const [example] = blocks('docs/sdk.md').filter(({ language }) => language === 'tsx')
  project.write('app.tsx', example?.code ?? '')
  const options = { ...compilerOptions, types: [], jsx: 'react-jsx', module: 'esnext', moduleResolution: 'bundler' }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['app.tsx'] }))
  await project.run(tsc)
})

it('ends a node and a client with the block that they are used in', async () => {
  const code = `
import { type BluetickNode, createNode, memoryStore } from 'bluetick'
import { connect } from 'bluetick/client'

let kept: BluetickNode
{
  await using node = createNode({ store: memoryStore() })
  kept = node
  const { url } = await node.listen({ port: 0 })
  await using alice = connect({ url, token: 'alice' })
  console.log((await alice.send('bob', 'hi')).state)
}
try {
  kept.stats()
} catch (error) {
  console.log(String(error))
}
`
  project.write('using.ts', code)
  const options = { ...compilerOptions, target: 'es2022', lib: ['es2022', 'dom'], module: 'nodenext' }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['using.ts'] }))
  await project.run(tsc)
  expect((await project.run(process.execPath, 'using.js')).split('\n')).toEqual([
    'sent',
    'Error: The node was closed.',
    '',
  ])
})

it('can be required from CommonJS', async () => {
  const exported = {
    bluetick: 'createNode',
    'bluetick/client': 'connect',
    'bluetick/client/node': 'fileStorage',
    'bluetick/client/async-storage': 'asyncStorage',
    'bluetick/client/msgpack': 'msgpack',
    'bluetick/client/locked': 'lockedStorage',
    'bluetick/client/chats': 'openBook',
    'bluetick/react': 'useMessages',
  }
  const lines = Object.entries(exported).map(([entry, name]) => `console.log(typeof require('${entry}').${name})`)
  project.write('all.cjs', lines.join('\n'))
  const printed = await project.run(process.execPath, '--no-warnings', 'all.cjs')
  expect(printed.split('\n')).toEqual([
    'function',
    'function',
    'function',
    'function',
    'object',
    'function',
    'function',
    'function',
    '',
  ])
})

it('has its types for CommonJS in TypeScript, too', async () => {
  const code = "import bluetick = require('bluetick')\nexport const store: bluetick.Store = bluetick.memoryStore()"
  project.write('old.cts', code)
  const options = { ...compilerOptions, module: 'nodenext' }
  project.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['old.cts'] }))
  await project.run(tsc)
})

it('brings each page that its README links to', () => {
  const links = [...readFileSync('README.md', 'utf8').matchAll(/\]\(([^):#]+)(?:#[^)]*)?\)/g)].map(
    ([, link = '']) => link,
  )
  expect(links.length).toBeGreaterThan(10)
  expect(links.filter((link) => !existsSync(join(project.folder, 'node_modules/bluetick', link)))).toEqual([])
})

it('brings its command', async () => {
  const peers = project.run('node_modules/bluetick/dist/src/cli/main.js', 'bench', 'peers')
  await expect(peers).rejects.toThrow('from the repository of Bluetick: npm run bench -- peers')
  expect(await project.run('node_modules/bluetick/dist/src/cli/main.js', '--help')).toContain('bluetick serve')
})

it('bundles for browsers without a module of Node', async () => {
  const { outputFiles } = await build({
    stdin: { contents: `export { connect } from 'bluetick/client'`, resolveDir: project.folder },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
  })
  expect(outputFiles[0]?.text).toContain('globalThis.WebSocket')
})
