import { parseArgs } from 'node:util'
import { readConfig } from './config.ts'
import { Misuse, meant } from './misuse.ts'
import { check, type Given, type Option } from './values.ts'

type Table = Readonly<Record<string, Option>>

/**
 * Reads options from arguments, then the environment, then the file that `config` names, then defaults; beside them at most so many
 * `operands`. Of one with `names` all count, and for a name the first of these. Throws a Misuse. Undefined: help was asked for, and printed.
 */
export function readOptions<Name extends string>(
  usage: string,
  table: Readonly<Record<Name, Option>>,
  args: string[],
  operands = 0,
): { values: Record<Name, string>; rest: string[] } | undefined {
  const parsed = parse(table, args)
  const argued: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>> = parsed.values
  if (argued['help']) {
    console.log(`${usage}\n\n${describe(table)}`)
    return undefined
  }
  const extra = parsed.positionals[operands]
  if (extra !== undefined) throw new Misuse(`"${extra}" is too much; --help lists the options`)
  const all: Table = table
  const set = (name: string): Given[] => [
    ...(all[name] ? variable(all[name].env) : []),
    ...[argued[name] ?? []].flat().map((value) => ({ value: String(value), from: `--${name}` })),
  ]
  const file = set('config').at(-1)?.value
  const filed = file ? readConfig(file, table) : new Map<string, Given>()
  const read = Object.entries(all).map(([name, option]) => {
    const given = [filed.get(name) ?? [], set(name)].flat()
    for (const one of given) check(one, option)
    return [name, option.names ? given.map(({ value }) => value).join() : (given.at(-1)?.value ?? option.default)]
  })
  return { values: Object.fromEntries(read), rest: parsed.positionals }
}

function variable(name: string): Given[] {
  const value = process.env[name]
  return value === undefined ? [] : [{ value, from: name }]
}

function parse(table: Table, args: string[]) {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { names }]) => [
      name,
      { type: 'string' as const, multiple: names !== undefined },
    ]),
  )
  try {
    return parseArgs({ args, options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: true })
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    const [, unknown] = /^Unknown option '(-[^' ]+)/.exec(line) ?? []
    if (!unknown) throw new Misuse(line)
    const names = Object.keys(table)
    throw new Misuse(`there is no option ${unknown}${meant(unknown, names, '--') || '; --help lists them'}`)
  }
}

function describe(table: Table): string {
  const headings = new Map<string, string[]>()
  for (const [name, option] of Object.entries(table)) {
    const { heading = 'Options', text, default: value, otherwise = 'none', env } = option
    const lines = headings.get(heading) ?? []
    lines.push(
      `  --${name} ${placeholderOf(option)}`,
      `      ${text}`,
      `      default: ${value || otherwise}; environment: ${env}`,
    )
    headings.set(heading, lines)
  }
  return [
    ...[...headings].map(([heading, lines]) => `${heading}:\n${lines.join('\n')}`),
    '  -h, --help  this text',
  ].join('\n\n')
}

function placeholderOf({ whole, oneOf, names, value = 'TEXT' }: Option): string {
  return names ? 'NAME=VALUE' : whole ? 'N' : (oneOf?.join('|') ?? value)
}
