/** Terms, by lightweight transaction. */
import { StoreError } from '../error.ts'
import type { Requests } from './requests.ts'
import { long, number } from './rows.ts'

const termInsert = "INSERT INTO settings (name, value) VALUES ('term', 1) IF NOT EXISTS"
const termUpdate = "UPDATE settings SET value = ? WHERE name = 'term' IF value = ?"
const termQuery = "SELECT value FROM settings WHERE name = 'term'"

/** What several want at once is tried for so often. */
const tries = 20

export async function takeTerm(requests: Requests): Promise<number> {
  let found = await requests.compare(termInsert, [])
  if (!found) return 1
  for (let tried = 0; tried < tries; tried++) {
    const term = number(found['value']) + 1
    found = await requests.compare(termUpdate, [long(term), long(term - 1)])
    if (!found) return term
  }
  throw new StoreError('unavailable', 'No term could be taken: too many want one at once.')
}

/** The next term that is taken is above this one. */
export async function raiseTerm(requests: Requests, term: number): Promise<void> {
  for (;;) {
    const [found] = await requests.rows(termQuery, [])
    if (number(found?.['value']) >= term) return
    await requests.compare(termUpdate, [long(term), found?.['value'] ?? null])
  }
}
