// Prints what the client SDK adds to a web page, minified and gzipped. Build first.
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const entries = {
  'bluetick/client': `export { connect, indexedDBStorage } from './dist/src/client/index.js'`,
  'with bluetick/client/msgpack': `export { connect, indexedDBStorage } from './dist/src/client/index.js'
    export { msgpack } from './dist/src/client/msgpack.js'`,
  'bluetick/client/e2ee': `export * from './dist/src/client/e2ee/index.js'`,
}
for (const [name, contents] of Object.entries(entries)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    write: false,
  })
  const code = outputFiles[0].contents
  console.log(`${name}: ${kilobytes(code)} minified, ${kilobytes(gzipSync(code))} gzipped`)
}

function kilobytes(bytes) {
  return `${(bytes.length / 1000).toFixed(1)} KB`
}
