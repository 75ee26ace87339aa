/** Whatever operators may ask of a running node, by name. */

import { pipeline } from 'node:stream/promises'
import { type Field, operationNames, operations } from '../operations/admin.ts'
import { Misuse, meant } from './misuse.ts'
import { askNode, operatorTable, streamFrom } from './operator.ts'
import { readOptions } from './options.ts'

export const table = operatorTable

const usage = `bluetick admin [OPERATION [NAME=VALUE...]] [options]: asks a running node, and prints its answer in JSON. Without an operation it
lists them. A name that takes a list may come several times.`

export async function admin(args: string[]): Promise<void> {
  const read = readOptions(usage, table, args, Number.POSITIVE_INFINITY)
  if (!read) return
  const [named, ...pairs] = read.rest
  if (named === undefined) return console.log(operationNames.map(described).join('\n'))
  const name = operationNames.find((name) => name === named)
  if (!name) throw new Misuse(`there is no operation ${named}${meant(named, operationNames)}`)
  const given = givenBy(pairs, operations[name].fields)
  if (operations[name].lines) return printed(await streamFrom(read.values, name, given))
  const answer = await askNode(read.values, name, given)
  if (answer === undefined) throw new Error('the node knows nothing of that')
  console.log(JSON.stringify(answer, null, 2))
}

/** As fast as whoever reads it takes it. */
async function printed(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(chunks, process.stdout, { end: false })
  } catch (cause) {
    throw new Error('the node broke off: what was printed is not all', { cause })
  }
}

const described = (name: (typeof operationNames)[number]): string => {
  const { text, fields } = operations[name]
  const given = Object.entries(fields).map(([field, { optional }]) => (optional ? `[${field}=...]` : `${field}=...`))
  return `${[name, ...given].join(' ')}\n    ${text}`
}

function givenBy(pairs: readonly string[], fields: Readonly<Record<string, Field>>): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const pair of pairs) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? []
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!field) throw new Misuse(`"${pair}" is not one of ${Object.keys(fields).join('=..., ')}=...`)
    if (field.type === 'texts') given[name] = [...((given[name] as string[] | undefined) ?? []), value]
    else given[name] = field.type === 'media' ? inJson(name, value) : value
  }
  const lacks = Object.entries(fields).find(([name, { optional }]) => !optional && given[name] === undefined)
  if (lacks) throw new Misuse(`it needs ${lacks[0]}=..., ${lacks[1].text}`)
  return given
}

function inJson(name: string, value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    throw new Misuse(`${name} must be JSON`)
  }
}
