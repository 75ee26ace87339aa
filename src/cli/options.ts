import { parseArgs } from 'node:util'

/** One option: what it means (with its unit), its default, and the environment variable that sets it too. */
export type Option = { readonly text: string; readonly default: string; readonly env: string }

/**
 * Reads options from arguments, then the environment, then defaults; beside them at most so many `operands`. Undefined: help was
 * asked for, and printed.
 */
export function readOptions<Name extends string>(
  usage: string,
  table: Record<Name, Option>,
  args: string[],
  operands = 0,
): { values: Record<Name, string>; rest: string[] } | undefined {
  const names = Object.keys(table) as Name[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  const parsed = parseArgs({ args, options: { ...options, help: { type: 'boolean' } }, allowPositionals: true })
  const given = parsed.values as Record<string, string | boolean | undefined>
  if (given['help']) {
    const width = Math.max(...names.map((name) => name.length)) + 6
    console.log(`${usage}\n\n${names.map((name) => describe(name, table[name], width)).join('\n')}`)
    return undefined
  }
  const extra = parsed.positionals[operands]
  if (extra !== undefined) throw new Error(`"${extra}" is too much; --help lists the options`)
  const values = Object.fromEntries(
    names.map((name) => [name, given[name] ?? process.env[table[name].env] ?? table[name].default]),
  )
  return { values: values as Record<Name, string>, rest: parsed.positionals }
}

const describe = (name: string, option: Option, width: number): string =>
  `${`  --${name}`.padEnd(width)}${option.text}\n${' '.repeat(width)}default: ${option.default || 'none'}; environment: ${option.env}`

/** A whole number, or an error that names the option. */
export function whole(name: string, value: string, least = 0): number {
  const number = Number(value)
  if (value.trim() === '' || !Number.isSafeInteger(number) || number < least)
    throw new Error(`--${name} must be a whole number${least ? ` from ${least}` : ''}, not "${value}"`)
  return number
}
