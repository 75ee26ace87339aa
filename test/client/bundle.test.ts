/** `bluetick/client` as a bundler for browsers takes it, by the package's own exports. */
import { build } from 'esbuild'
import { expect, it } from 'vitest'

it.each([
  ['bluetick/client', 20_000],
  ['bluetick/client/chats', 8_000],
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

it('bluetick/client/e2ee adds less than 80 KB, 32 KB gzipped, before a person does something rare, and nothing but cryptography of others', async () => {
  const bundled = async (...names: string[]) => {
    const contents = names.map((name) => `export * from '${name}'`).join('\n')
    const { metafile, outputFiles, warnings } = await build({
      stdin: { contents, resolveDir: process.cwd(), sourcefile: 'entry.js' },
      bundle: true,
      splitting: true,
      outdir: 'out',
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      metafile: true,
      tsconfigRaw: {},
    })
    expect(warnings).toEqual([])
    // What is there at once: the rest is loaded where it is called for (docs/e2ee.md).
    const first = new Set(
      Object.keys(metafile.outputs).filter((name) => metafile.outputs[name]?.entryPoint === 'entry.js'),
    )
    for (const name of first)
      for (const { kind, path } of metafile.outputs[name]?.imports ?? [])
        if (kind === 'import-statement') first.add(path)
    expect(first.size).toBeGreaterThan(0)
    const texts = outputFiles
      .filter(({ path }) => [...first].some((name) => path.endsWith(name)))
      .map(({ text }) => text)
    const code = texts.join('')
    const stream = new Blob([code]).stream().pipeThrough(new CompressionStream('gzip'))
    const gzipped = (await new Response(stream).arrayBuffer()).byteLength
    return { inputs: Object.keys(metafile.inputs), bytes: code.length, gzipped }
  }
  const [base, both] = [await bundled('bluetick/client'), await bundled('bluetick/client', 'bluetick/client/e2ee')]
  const packages = both.inputs.filter((input) => input.includes('node_modules'))
  expect(packages.filter((input) => !input.includes('node_modules/@noble/'))).toEqual([])
  expect(both.bytes - base.bytes).toBeLessThan(80_000)
  expect(both.gzipped - base.gzipped).toBeLessThan(32_000)
})
