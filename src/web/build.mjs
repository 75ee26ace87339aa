// Bundles the chat page into the folder that is named.
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const web = process.argv[2]
await mkdir(web, { recursive: true })
await build({
  entryPoints: [new URL('./page.ts', import.meta.url).pathname],
  outfile: join(web, 'app.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  conditions: ['browser'],
  alias: { '#websocket': new URL('../client/websocket-platform.ts', import.meta.url).pathname },
})
const files = ['index.html', 'app.css', 'sw.js', 'manifest.webmanifest', 'icon.svg']
for (const file of files) await copyFile(new URL(file, import.meta.url), join(web, file))
