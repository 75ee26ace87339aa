/** The file of `--config`: JSON, with the options that the command line has. */
import { readFileSync } from 'node:fs'
import { Misuse, meant } from './misuse.ts'
import type { Given, Option } from './values.ts'

/** An object with the names of options, and for one with `names` an object of those. Throws a Misuse. */
export function readConfig(path: string, table: Readonly<Record<string, Option>>): Map<string, Given> {
  const known = Object.keys(table).filter((name) => name !== 'config')
  return new Map(
    Object.entries(contentOf(path)).map(([name, value]) => {
      if (!known.includes(name)) throw new Misuse(`${path}: there is no option "${name}"${meant(name, known)}`)
      return [name, { from: `"${name}" in ${path}`, value: inText(value) }]
    }),
  )
}

function contentOf(path: string): object {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Misuse(`the configuration ${path} cannot be read: ${(error as Error).message}`)
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content
  throw new Misuse(`the configuration ${path} must be an object of options, as { "port": 8080 }`)
}

/** As it would be typed. */
function inText(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, number]) => `${name}=${number}`)
    .join(',')
}
