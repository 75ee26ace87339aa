// npm run lock: enters what npm leaves out of package-lock.json. Of an optional package for another platform that the registry
// does not have, npm writes nothing into the lock file, and `npm ci` then calls it out of step. Run it after an upgrade.
import { readFileSync, writeFileSync } from 'node:fs'

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8'))
const { packages } = lock

/** Where a package that is required from a folder is found, as Node looks for it. */
function found(folder, name) {
  const place = `${folder ? `${folder}/` : ''}node_modules/${name}`
  if (packages[place] || !folder) return packages[place]
  return found(folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/'))), name)
}

/** `@uwsjs/linux-arm64-20` says for what it is built. */
function entry(name, version) {
  const [, os, cpu, node] = /([a-z\d]+)-([a-z\d]+)-(\d+)$/.exec(name)
  const libc = os === 'linux' ? { libc: 'glibc' } : {}
  return {
    version,
    cpu: [cpu],
    ...libc,
    license: 'Apache-2.0',
    optional: true,
    os: [os],
    engines: { node: `>=${node}.0.0 <${Number(node) + 1}.0.0` },
  }
}

for (const [folder, { optionalDependencies = {} }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (!name.startsWith('@uwsjs/') || found(folder, name)?.version === version) continue
    const place = packages[`node_modules/${name}`] ? `${folder}/node_modules/${name}` : `node_modules/${name}`
    packages[place] = entry(name, version)
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
