// Bundles the chat page into the folder that is named.
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const web = process.argv[2]
await mkdir(web, { recursive: true })
const shared = { bundle: true, minify: true, format: 'esm', target: 'es2022' }
await build({
  ...shared,
  entryPoints: [new URL('./page.ts', import.meta.url).pathname],
  outfile: join(web, 'app.js'),
  conditions: ['browser'],
  alias: { '#websocket': new URL('../client/websocket-platform.ts', import.meta.url).pathname },
})
const admin = ['page.ts', 'page.css'].map((name) => new URL(`./admin/${name}`, import.meta.url).pathname)
await build({ ...shared, entryPoints: admin, outdir: join(web, 'admin') })
await copyFile(new URL('./admin/index.html', import.meta.url), join(web, 'admin/index.html'))
const files = ['index.html', 'app.css', 'sw.js', 'manifest.webmanifest', 'icon.svg']
for (const file of files) await copyFile(new URL(file, import.meta.url), join(web, file))
