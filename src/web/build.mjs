// Bundles the chat page into dist/web.
import { copyFile, mkdir } from 'node:fs/promises'
import { build } from 'esbuild'

const web = new URL('../../dist/web/', import.meta.url)
await mkdir(web, { recursive: true })
await build({
  entryPoints: [new URL('./page.ts', import.meta.url).pathname],
  outfile: new URL('app.js', web).pathname,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['browser'],
  alias: { '#websocket': new URL('../client/websocket-browser.ts', import.meta.url).pathname },
})
for (const file of ['index.html', 'app.css', 'sw.js'])
  await copyFile(new URL(file, import.meta.url), new URL(file, web))
