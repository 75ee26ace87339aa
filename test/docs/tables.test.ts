/** docs/protocol.md carries every kind, code and limit of the code, and no other. A failure shows the row that is missing or wrong. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { events, optionsOf } from '../../src/client/options.ts'
import { closeCodes, errorCodes, mayComeBack } from '../../src/protocol/codes.ts'
import type { Frame } from '../../src/protocol/frames.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { kinds } from '../../src/protocol/kinds.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { toldLimits } from '../../src/protocol/told-limits.ts'

const doc = readFileSync('docs/protocol.md', 'utf8')
const code = (name: string): string => readFileSync(`src/protocol/${name}.ts`, 'utf8')

/** The rows of the table under a heading. */
function rows(heading: string): string[] {
  const [, section = ''] = doc.split(new RegExp(`^#+ ${heading}$`, 'm'))
  const [table = ''] = section.slice(section.indexOf('\n|')).trim().split('\n\n')
  return table.split('\n').filter((line) => /^\| [`\d]/.test(line))
}

it('carries every kind with its number and its fields', () => {
  const shapes = [...code('frames').matchAll(/readonly \[\s*'(\w+)',([^\]]*)\]/g)].map(([, kind = '', rest = '']) => [
    kind,
    [...rest.matchAll(/(\w+)\??: [^,]*/g)].map(([, field]) => field).join(', '),
  ])
  const fields = new Map(shapes as [string, string][])
  const expected = Object.entries(kinds).map(
    ([kind, number]) => `| ${number} | \`${kind}\` | \`${fields.get(kind)}\` |`,
  )
  const documented = ['From the client', 'From the server', 'Either way'].flatMap(rows)
  expect(documented.map((row) => /^(\| [^|]+){3}\|/.exec(row)?.[0]).sort()).toEqual(expected.sort())
  expect(documented.filter((row) => !/^(\|[^|]+){3}\| .{10,} \|$/.test(row))).toEqual([])
})

it('shows frames in both encodings', () => {
  const pairs = [...doc.matchAll(/^\| `(\[.*\])` \| `([\da-f ]+)` \|$/gm)]
  expect(pairs.length).toBeGreaterThan(3)
  for (const [, json = '', hex] of pairs) {
    const frames = jsonCodec.decode(json) as Frame[]
    const bytes = Buffer.from(msgpackCodec.encode(frames) as Uint8Array)
    expect(bytes.toString('hex').replace(/..(?!$)/g, '$& ')).toBe(hex)
    expect(msgpackCodec.decode(bytes)).toEqual(frames)
  }
})

it('carries every error code', () => {
  expect(rows('Errors')).toEqual(
    Object.entries(errorCodes).map(
      ([name, { number, retryAfter, text }]) =>
        `| ${number} | \`${name}\` | ${retryAfter === 0 ? 'never' : `${retryAfter} ms`} | ${text} |`,
    ),
  )
})

it('carries every close code', () => {
  expect(rows('Close codes')).toEqual(
    Object.entries(closeCodes).map(
      ([name, { number, text }]) => `| ${number} | \`${name}\` | ${mayComeBack(number) ? 'yes' : 'no'} | ${text} |`,
    ),
  )
})

it('carries every limit with its default, what it means, and whether clients are told', () => {
  const meanings = new Map(
    [...(code('told-limits') + code('limits')).matchAll(/\/\*\* (.*) \*\/\n {2}(\w+): /g)].map(([, text, name]) => [
      name,
      text,
    ]),
  )
  expect(rows('Limits')).toEqual(
    Object.entries(defaultLimits).map(
      ([name, value]) =>
        `| \`${name}\`${Object.hasOwn(toldLimits, name) ? ' *' : ''} | ${value.toLocaleString('en')} | ${meanings.get(name)} |`,
    ),
  )
})

it('carries every event of a client, and every option of connect', () => {
  const sdk = readFileSync('docs/sdk.md', 'utf8')
  const named = (heading: string) => {
    const [, section = ''] = sdk.split(`\n## ${heading}\n`)
    return [...(section.split('\n## ')[0]?.matchAll(/^\| `(\w+)` \|/gm) ?? [])].map(([, name]) => name)
  }
  expect(named('Events').sort()).toEqual(Object.keys(events).sort())
  expect(named('Options').sort()).toEqual(Object.keys(optionsOf.connect).sort())
})
