/** `bluetick/client` as a bundler for browsers takes it, by the package's own exports. */
import { build } from 'esbuild'
import { expect, it } from 'vitest'

it.each([
  ['bluetick/client', 20_000],
  ['bluetick/client/chats', 6_100],
  ['bluetick/client/msgpack', 40_000],
])('%s bundles for browsers without a word of Node', async (name, most) => {
  const { metafile, outputFiles, warnings } = await build({
    stdin: { contents: `export * from '${name}'`, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
    // A user's bundler does not have this repository's.
    tsconfigRaw: {},
  })
  expect(warnings).toEqual([])
  const inputs = Object.keys(metafile.inputs)
  expect(inputs.filter((input) => /node_modules\/(?!msgpackr)|node-|websocket-node|^node:/.test(input))).toEqual([])
  const code = outputFiles[0]?.text ?? ''
  expect(code).not.toMatch(/from"node:|require\(/)
  const gzipped = await new Response(new Blob([code]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
  expect(gzipped.byteLength).toBeLessThan(most)
})

it('end-to-end encryption bundles for browsers, with what it stands on: 80 KB, 32 KB gzipped', async () => {
  const { metafile, outputFiles, warnings } = await build({
    stdin: { contents: `export * from './src/client/e2ee/index.ts'`, resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
  })
  expect(warnings).toEqual([])
  const packages = Object.keys(metafile.inputs).filter((input) => input.includes('node_modules'))
  expect(packages.filter((input) => !input.includes('node_modules/@noble/'))).toEqual([])
  const code = outputFiles[0]?.text ?? ''
  expect(code.length).toBeLessThan(80_000)
  const gzipped = await new Response(new Blob([code]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()
  expect(gzipped.byteLength).toBeLessThan(32_000)
})
