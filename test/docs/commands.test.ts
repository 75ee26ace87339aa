/** Commands, scripts, files and numbers that README.md and docs/ name exist, in code blocks and in the text. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { blocks } from './blocks.ts'

const files = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync('docs').map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'))
const text = (file: string) => readFileSync(file, 'utf8')
const run = (...args: string[]) => execFileSync(process.execPath, args, { encoding: 'utf8' })
const prose = (file: string) =>
  blocks(file)
    .reduce((rest, { code }) => rest.replace(code, ''), text(file))
    .replaceAll('```', '')
/** The commands of a page: of its sh blocks each line without its comment, and each code span; several by && or commas. */
const commands = files
  .flatMap((file) => [
    ...blocks(file).flatMap(({ language, code }) => (language === 'sh' ? code.split('\n') : [])),
    ...[...prose(file).matchAll(/`([^`]+)`/g)].map(([, span = '']) => span),
  ])
  .flatMap((line) => line.replace(/ #.*/, '').split(' && '))
  .map((command) => command.replace(/^npx bluetick/, 'bluetick'))

it('npm scripts', () => {
  const { scripts } = JSON.parse(text('package.json'))
  const named = commands.flatMap((command) => {
    const [, run, short] = /^npm (?:run (?:--silent )?([\w:]+)|(start|test))\b/.exec(command) ?? []
    return run ?? short ?? []
  })
  expect(named).toContain('start')
  expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
})

describe('bluetick commands, with their options', () => {
  const calls = commands.filter((command) => /^bluetick [a-z]/.test(command))
  it.each([...new Set(calls)])('%s', (call) => {
    const [, name = ''] = call.split(' ')
    expect(run('dist/src/cli/main.js')).toContain(`bluetick ${name} `)
    const help = run('dist/src/cli/main.js', name, '--help')
    const options = [...call.matchAll(/ (--[\w-]+)/g)].map(([, option]) => option)
    expect(options.filter((option) => option !== '--help' && !help.includes(`  ${option} `))).toEqual([])
  })
})

it('links to files and headings', () => {
  const links = files.flatMap((file) =>
    [...text(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ file, link })),
  )
  const broken = links.filter(({ file, link }) => {
    if (/^https?:/.test(link)) return false
    const [path = '', heading] = link.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    return !existsSync(target) || (heading !== undefined && !headings(target).includes(heading))
  })
  expect(links.length).toBeGreaterThan(5)
  expect(broken).toEqual([])
})

const headings = (file: string): string[] =>
  [...text(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )

it('the size of the client, within 5 %', () => {
  const size = /^(?:bluetick\/client:|The client is) ([\d.]+) KB minified, ([\d.]+) KB gzipped/m
  const [printed, written] = [run('scripts/size.mjs'), text('README.md')].map((text) =>
    size.exec(text)?.slice(1).map(Number),
  )
  expect(printed).toHaveLength(2)
  for (const [index, kilobytes] of (printed ?? []).entries())
    expect(
      Math.abs(kilobytes / (written?.[index] ?? 0) - 1),
      `README.md should say: ${printed?.join(' and ')} KB`,
    ).toBeLessThan(0.05)
})
