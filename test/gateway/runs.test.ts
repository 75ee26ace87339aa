import { expect, it } from 'vitest'
import { type Place, whyNot } from '../../src/gateway/runs.ts'

const debian12: Place = { versions: { node: '22.12.0' }, platform: 'linux', arch: 'x64', glibc: '2.36' }

it.each<[string, Partial<Place>, string]>([
  ['Bun', { versions: { node: '24.3.0', bun: '1.3.0' } }, 'runs on Node.js, not on Bun'],
  ['Deno', { versions: { node: '24.3.0', deno: '2.5.0' } }, 'runs on Node.js, not on Deno'],
  ['Node 21', { versions: { node: '21.7.3' } }, 'runs on Node 20, 22, 24 and 26, not on Node 21.7.3. Take Node 22.'],
  ['Node 25', { versions: { node: '25.1.0' } }, 'not on Node 25.1.0. Take Node 22.'],
  ['Alpine Linux', { glibc: undefined }, 'the C library here is musl, as in Alpine Linux. Take a system with glibc'],
  [
    'an old glibc',
    { versions: { node: '24.0.0' } },
    'needs glibc 2.38 or newer (Debian 13, Ubuntu 24.04), and here it is 2.36',
  ],
  [
    'a very old glibc',
    { versions: { node: '26.0.0' }, glibc: '2.4' },
    'here it is 2.4. Take Node 22, or a newer system.',
  ],
  [
    'packages of another Node',
    {},
    'for Node 22 on linux-x64 is not installed. Were the packages installed with another Node',
  ],
  ['a Mac', { platform: 'darwin', arch: 'arm64', glibc: undefined }, 'for Node 22 on darwin-arm64 is not installed'],
  ['a new glibc', { versions: { node: '24.0.0' }, glibc: '2.41' }, 'for Node 24 on linux-x64 is not installed'],
])('says why a node does not run here, and what to do: %s', (_, place, text) => {
  expect(whyNot({ ...debian12, ...place })).toContain(text)
})
