/**
 * Fills the lists of users' histories, for what releases before version 10 of the schema have begun: page by page, from where the last try
 * ended. A row that is there stays.
 */
import type { Client, types } from 'cassandra-driver'
import { driver } from './driver.ts'
import { defaultRequestLimits, Places } from './places.ts'
import { Requests, type Statement } from './requests.ts'
import { Stamps } from './stamps.ts'
import { takeTerm } from './terms.ts'

const pageQuery = `SELECT DISTINCT user, chat, token(user, chat) AS place FROM history_buckets
  WHERE token(user, chat) > ? LIMIT ?`
const listInsert = 'INSERT INTO user_histories (user, chat) VALUES (?, ?)'
const reachedQuery = "SELECT value FROM settings WHERE name = 'listed'"
const reachedInsert = "INSERT INTO settings (name, value) VALUES ('listed', ?)"
const reachedDelete = "DELETE FROM settings WHERE name = 'listed'"

/** Histories of a page: what a crash lets be done again. */
const pageRows = 500

/** `client` is on the keyspace. Answers how many histories there are behind where it began. */
export async function listHistories(client: Client): Promise<number> {
  const requests = new Requests(client, new Places(defaultRequestLimits), new Stamps(0))
  const [begun] = await requests.rows(reachedQuery, [])
  const pageAfter = async (place: types.Long) => (await requests.page(pageQuery, [place, pageRows], pageRows)).rows
  let rows = await pageAfter(begun?.['value'] ?? driver().types.Long.MIN_VALUE)
  if (!begun && rows.length === 0) return 0
  // Of two tries the later counts, whatever their clocks say.
  requests.stamps.rise(await takeTerm(requests))
  const note = (query: string, params: readonly unknown[]) =>
    requests.write([{ query, params }], requests.stamps.ordered())
  let count = 0
  for (; rows.length > 0; count += rows.length, rows = await pageAfter(rows.at(-1)?.['place'])) {
    await Promise.all(rows.map((row) => requests.write([list(row['user'], row['chat'])])))
    await note(reachedInsert, [rows.at(-1)?.['place']])
  }
  await note(reachedDelete, [])
  return count
}

const list = (user: string, chat: string): Statement => ({ query: listInsert, params: [user, chat] })
