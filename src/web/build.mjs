// Bundles the chat page into the folder that is named.
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const here = (name) => new URL(name, import.meta.url).pathname
const web = process.argv[2]
await mkdir(web, { recursive: true })
const shared = { bundle: true, minify: true, format: 'esm', target: 'es2022' }
// What encrypts is loaded only where the node offers it; what both use is in a file of its own.
await build({
  ...shared,
  entryPoints: { app: here('./page.ts'), e2ee: here('./e2ee/e2ee.ts') },
  outdir: web,
  splitting: true,
  chunkNames: 'shared',
  conditions: ['browser'],
  alias: { '#websocket': here('../client/websocket-platform.ts') },
})
// Loaded where somebody takes a picture of a code.
await build({ ...shared, entryPoints: [here('./e2ee/scan.ts')], outdir: web })
await build({
  ...shared,
  entryPoints: ['page.ts', 'page.css'].map((name) => here(`./admin/${name}`)),
  outdir: join(web, 'admin'),
})
await copyFile(here('./admin/index.html'), join(web, 'admin/index.html'))
const files = ['index.html', 'app.css', 'sw.js', 'manifest.webmanifest', 'icon.svg']
for (const file of files) await copyFile(here(file), join(web, file))
