/** What the node kept of the time: two rows of the settings, which are read when it starts. */
import type { Reckoning } from '../contract.ts'
import type { Requests } from './requests.ts'
import { long, number } from './rows.ts'

const query = 'SELECT value FROM settings WHERE name = ?'
const insert = 'INSERT INTO settings (name, value) VALUES (?, ?)'

export async function reckoning(requests: Requests): Promise<Reckoning | undefined> {
  const value = async (name: string) => (await requests.rows(query, [name]))[0]?.['value']
  const [at, doubt] = await Promise.all([value('time'), value('doubt')])
  return at === undefined ? undefined : { at: number(at), doubtMs: number(doubt) }
}

export async function saveReckoning(requests: Requests, { at, doubtMs }: Reckoning): Promise<void> {
  const write = (name: string, value: number) =>
    requests.write([{ query: insert, params: [name, long(value)] }], requests.stamps.ordered())
  await Promise.all([write('time', at), write('doubt', doubtMs)])
}
