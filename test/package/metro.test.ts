/** React Native: Metro, its bundler, takes `bluetick/client`, and what it makes runs where nothing of Node's is. */
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { loadConfig, runBuild } from 'metro'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { asyncStorage, TextStorage } from '../../src/client/async-storage.ts'
import type { connect } from '../../src/client/index.ts'
import type { msgpack } from '../../src/client/msgpack.ts'
import { createNode, memoryStore } from '../../src/index.ts'
import { makeProject } from './project.ts'

/** What a React Native app finds, in part by packages that it brings. */
const globals = () => ({
  WebSocket,
  crypto: { getRandomValues: crypto.getRandomValues.bind(crypto) },
  ...{ AbortController, AbortSignal, TextEncoder, TextDecoder, URL, atob, btoa },
  ...{ setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, console, performance },
})

type App = {
  readonly connect: typeof connect
  readonly asyncStorage: typeof asyncStorage
  readonly msgpack: typeof msgpack
}

/** Of these it puts parts into each bundle. */
const runtime = ['metro-runtime', '@babel/runtime']

it.each(['ios', 'android'])('bundles for %s, and talks to a node', async (platform) => {
  const project = await makeProject(...runtime)
  project.write(
    'app.js',
    `import { connect } from 'bluetick/client'
     import { asyncStorage } from 'bluetick/client/async-storage'
     import { msgpack } from 'bluetick/client/msgpack'
     globalThis.app = { connect, asyncStorage, msgpack }`,
  )
  const projectRoot = realpathSync(project.folder)
  const config = await loadConfig({ cwd: projectRoot }, {})
  const { code } = await runBuild(
    {
      ...config,
      projectRoot,
      // Elsewhere than links lead to it does not look.
      watchFolders: [projectRoot, ...[...runtime, 'msgpackr'].map((name) => resolve('node_modules', name))],
      cacheStores: [],
      transformer: {
        ...config.transformer,
        babelTransformerPath: fileURLToPath(import.meta.resolve('@react-native/metro-babel-transformer')),
      },
      reporter: { update: () => {} },
      resolver: {
        ...config.resolver,
        // As @react-native/metro-config sets them.
        platforms: ['android', 'ios'],
        resolverMainFields: ['react-native', 'browser', 'main'],
        unstable_conditionNames: ['react-native'],
        unstable_conditionsByPlatform: {},
      },
    },
    { entry: 'app.js', platform, dev: false, minify: false },
  )
  const context = createContext({ ...globals(), globalThis: undefined })
  runInContext(`globalThis = this; ${code}`, context)
  const { app } = context as unknown as { app: App }
  await using node = createNode({ store: memoryStore() })
  const { url } = await node.listen({ port: 0 })
  const kept = new Map<string, string>()
  const texts: TextStorage = {
    getAllKeys: async () => [...kept.keys()],
    getItem: async (key) => kept.get(key) ?? null,
    setItem: async (key, text) => kept.set(key, text),
    removeItem: async (key) => kept.delete(key),
  }
  const alice = app.connect({ url, token: 'alice', storage: app.asyncStorage(texts, 'alice'), codec: app.msgpack })
  expect((await alice.send('bob', 'hi')).state).toBe('sent')
  await alice.close()
})
