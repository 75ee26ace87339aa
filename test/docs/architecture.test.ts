/** docs/architecture.md names files, functions and rooms: each is there, and where the page says. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const page = readFileSync('docs/architecture.md', 'utf8')
const spans = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
const isPath = (span: string) => /^(src|actors|test|bench|docs)\/|^schema\.cql$/.test(span)

it('names files and folders that are there', () => {
  const paths = spans(page).filter(isPath)
  expect(paths.length).toBeGreaterThan(60)
  expect(paths.filter((path) => !existsSync(path))).toEqual([])
})

it('names functions in the files that have them', () => {
  const named = page.split(/\n|(?<=[.;,|]) /).flatMap((clause) => {
    const all = spans(clause)
    return all.filter((span) => /^#?\w+\(\)$/.test(span)).map((name) => ({ name, path: all.find(isPath) }))
  })
  // In a table the file has a cell of its own.
  const rows = [...page.matchAll(/^\| `([^`]+)` \| `([^`]+\(\))` \|/gm)].map(([, path, name = '']) => ({ name, path }))
  const all = [...rows, ...named.filter(({ path }) => path !== undefined)]
  expect(rows.length).toBeGreaterThan(15)
  const has = (path: string, name: string) => readFileSync(path, 'utf8').includes(name.slice(0, -1))
  expect(all.filter(({ name, path = '' }) => !existsSync(path) || !has(path, name))).toEqual([])
})

it('has the rooms in the order in which they may import', () => {
  const [, list = ''] = /^const floors = \[([^\]]+)\]/m.exec(readFileSync('test/imports.test.ts', 'utf8')) ?? []
  const floors = [...list.matchAll(/'(\w+)'/g)].map(([, room]) => room)
  const [, table = ''] = page.split('## The rooms')
  const rooms = [...table.matchAll(/^\| `(?:src\/)?(\w+)(?:\/|\.ts)` \|/gm)].map(([, room]) => room)
  expect(rooms.slice(0, floors.length)).toEqual(floors)
})
