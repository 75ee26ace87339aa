/** docs/media.md carries every error and limit of the code, and no other. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { mediaErrors } from '../../src/protocol/media.ts'

const doc = readFileSync('docs/media.md', 'utf8')

it('carries every error', () => {
  const rows = Object.entries(mediaErrors).map(
    ([code, { status, retryAfter, text }]) =>
      `| \`${code}\` | ${status} | ${retryAfter === 0 ? 'never' : `${retryAfter} s`} | ${text} |`,
  )
  const [, errors = ''] = doc.split('### Errors')
  expect(errors.split('\n## ')[0]?.match(/^\| `.*$/gm)).toEqual(rows)
})

it('carries every limit', () => {
  const [, limits = ''] = doc.split('## Limits')
  const named = new Set(limits.match(/(?<=`)media[A-Z]\w+(?=`)/g))
  expect([...named].sort()).toEqual(
    Object.keys(defaultLimits)
      .filter((name) => name.startsWith('media'))
      .sort(),
  )
})
