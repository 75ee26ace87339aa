/** What commands are told: by arguments, variables and a file; and what they say of what cannot be. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Misuse } from '../../src/cli/misuse.ts'
import { readOptions } from '../../src/cli/options.ts'
import type { Option } from '../../src/cli/values.ts'
import { strayVariables } from '../../src/cli/variables.ts'

const table = {
  port: { text: 'port', default: '8080', env: 'BLUETICK_PORT', whole: [0, 65_535] },
  store: { text: 'store', default: 'lmdb', env: 'BLUETICK_STORE', oneOf: ['lmdb', 'cassandra'] },
  'secret-file': { text: 'file', default: '', env: 'BLUETICK_SECRET_FILE' },
  limit: { text: 'limit', default: '', env: 'BLUETICK_LIMIT', names: ['devices', 'mediaBytes'] },
  config: { text: 'file', default: '', env: 'BLUETICK_CONFIG' },
} satisfies Record<string, Option>

const read = (...args: string[]) => readOptions('usage', table, args)?.values
const folder = mkdtempSync(join(tmpdir(), 'bluetick-options-'))
function file(content: unknown): string {
  const path = join(folder, `${readdirSync(folder).length}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
afterEach(() => vi.unstubAllEnvs())

describe('where a value is from', () => {
  it('arguments go before variables, those before the file, and that before the default', () => {
    const path = file({ port: 1, store: 'cassandra', 'secret-file': 'filed' })
    vi.stubEnv('BLUETICK_CONFIG', path)
    vi.stubEnv('BLUETICK_PORT', '2')
    vi.stubEnv('BLUETICK_STORE', 'lmdb')
    expect(read('--port', '3')).toMatchObject({ port: '3', store: 'lmdb', 'secret-file': 'filed', limit: '' })
  })

  it('limits of all of them count, and those typed last win', () => {
    vi.stubEnv('BLUETICK_LIMIT', 'devices=2')
    const path = file({ limit: { devices: 1, mediaBytes: 1000 } })
    expect(read('--config', path, '--limit', 'devices=3')?.limit).toBe('devices=1,mediaBytes=1000,devices=2,devices=3')
  })
})

describe('what cannot be is told in a sentence', () => {
  it.each<[string, string[], string]>([
    ['an option', ['--prot', '1'], 'there is no option --prot; did you mean --port?'],
    ['an option like none', ['--fish', '1'], 'there is no option --fish; --help lists them'],
    ['a value', ['--port', '99999'], '--port must be a whole number from 0 to 65535, not "99999"'],
    ['no value', ['--port'], "Option '--port <value>' argument missing"],
    ['a choice', ['--store', 'lmbd'], '--store must be lmdb or cassandra, not "lmbd"'],
    ['a limit', ['--limit', 'device=3'], '--limit: there is no "device"; did you mean devices?'],
    ['its value', ['--limit', 'devices=many'], '--limit: devices must be a whole number from 1, not "many"'],
    ['an operand', ['here'], '"here" is too much'],
    ['a file', ['--config', join(folder, 'none')], 'none cannot be read: ENOENT'],
    ['no JSON', ['--config', file('port = 1')], 'cannot be read: Unexpected token'],
    ['no object', ['--config', file([1])], 'must be an object of options'],
    [
      'an option of a file',
      ['--config', file({ secretfile: '' })],
      'no option "secretfile"; did you mean secret-file?',
    ],
    ['a value of a file', ['--config', file({ port: 'x' })], 'must be a whole number from 0 to 65535, not "x"'],
    ['a limit of a file', ['--config', file({ limit: { media: 1 } })], 'there is no "media"'],
  ])('%s', (_, args, text) => {
    expect(() => read(...args)).toThrow(Misuse)
    expect(() => read(...args)).toThrow(text)
  })

  it('also of a variable, by its name, as Kubernetes sets one for a service that is called bluetick', () => {
    vi.stubEnv('BLUETICK_PORT', 'tcp://10.0.0.1:8080')
    expect(() => read()).toThrow('BLUETICK_PORT must be a whole number from 0 to 65535, not "tcp://10.0.0.1:8080"')
  })
})

it('names variables that mean nothing to any command', async () => {
  vi.stubEnv('BLUETICK_PROT', '1')
  vi.stubEnv('BLUETICK_FISH', '1')
  vi.stubEnv('BLUETICK_TOKEN_HOURS', '1')
  vi.stubEnv('BLUETICK_SERVICE_HOST', '10.0.0.1')
  vi.stubEnv('BLUETICK_PORT_8080_TCP_ADDR', '10.0.0.1')
  const token = { hours: { text: '', default: '1', env: 'BLUETICK_TOKEN_HOURS' } }
  expect(await strayVariables(table, async () => [table, token])).toEqual([
    'nothing is set by BLUETICK_PROT; did you mean BLUETICK_PORT?',
    'nothing is set by BLUETICK_FISH',
  ])
})

it('has a variable for each option of each command, which ends with the name of the option', () => {
  const differing: string[] = []
  for (const name of readdirSync('src/cli'))
    for (const [, option = '', env] of readFileSync(`src/cli/${name}`, 'utf8').matchAll(
      /^ {2}'?([\w-]+)'?: \{[^}]*?env: '(\w+)'/gm,
    ))
      if (!env?.endsWith(option.toUpperCase().replaceAll('-', '_'))) differing.push(`${option} ${env}`)
  expect(differing).toEqual([])
})
