/** How the command starts Node, as its first line says it: what is measured is started in the same way. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'

const main = new URL(`../src/cli/main${extname(import.meta.url)}`, import.meta.url)
const [first = ''] = readFileSync(main, 'utf8').split('\n')

export const started = read(first)

/** Of `#!/usr/bin/env -S NAME=value node --flag`: the environment, and the flags of Node. */
export function read(line: string): { readonly env: Record<string, string>; readonly flags: readonly string[] } {
  const words = line.split(' ').slice(1)
  const node = words.indexOf('node')
  const before = words.slice(0, node).filter((word) => word.includes('='))
  return { env: Object.fromEntries(before.map((word) => word.split('='))), flags: words.slice(node + 1) }
}
