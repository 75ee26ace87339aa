/** Messages that cannot be read in a browser, as one line. */
import { expect, it } from 'vitest'
import type { Line } from '../../src/client/chats/index.ts'
import { gathered } from '../../src/web/gathered.ts'

const noon = new Date(2026, 1, 3, 12).getTime()
const hour = 3_600_000
const line = (id: string, time: number, why?: string, retrying = false) =>
  ({ id, time, ...(why && { note: { is: 'unread', why, retrying } }) }) as Line

it('counts those of a day that follow each other, and leaves alone what can still come and what somebody wrote', () => {
  const lines = [
    line('a', noon - 24 * hour, 'no_part'),
    line('b', noon, 'no_part'),
    line('c', noon + hour, 'not_kept'),
    line('d', noon + 2 * hour, 'no_part'),
    line('e', noon + 3 * hour),
    line('f', noon + 4 * hour, 'no_part'),
    line('g', noon + 4 * hour, 'no_part', true),
    line('h', noon + 4 * hour, 'bad_tag'),
  ]
  expect(Object.fromEntries(gathered(lines))).toEqual({ a: 1, b: 0, c: 0, d: 3, f: 1 })
})
