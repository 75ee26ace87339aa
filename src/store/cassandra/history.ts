/**
 * Histories: what was appended to a permanent chat, in the order of the inbox, which is that of time. A row comes after its
 * entry, which says so until then (its column `kept`): after a crash between the two, the load of the inbox repeats it.
 */
import { type Carrier, chatOf } from '../../protocol/entry.ts'
import type { ChatId, Millis, Seq, UserId } from '../../protocol/ids.ts'
import { Serial } from '../../runtime/serial.ts'
import type { HistoryPosition } from '../contract.ts'
import { bucketOf, firstSeq } from './log.ts'
import { Remembered } from './remembered.ts'
import type { Requests, Row, Statement } from './requests.ts'
import { cellsOf, entryColumns, entryOf, insert, long } from './rows.ts'

const listInsert = 'INSERT INTO user_histories (user, chat) VALUES (?, ?)'
const listDelete = 'DELETE FROM user_histories WHERE user = ? AND chat = ?'
const listsDelete = 'DELETE FROM user_histories WHERE user = ?'
const listQuery = 'SELECT chat FROM user_histories WHERE user = ?'
const noteInsert = 'INSERT INTO history_buckets (user, chat, bucket) VALUES (?, ?, ?)'
const noteDelete = 'DELETE FROM history_buckets WHERE user = ? AND chat = ? AND bucket = ?'
const bucketsQuery = 'SELECT bucket FROM history_buckets WHERE user = ? AND chat = ? AND bucket >= ? AND bucket <= ?'
const pageQuery = `SELECT seq, ${entryColumns} FROM history WHERE user = ? AND chat = ? AND bucket = ? AND seq < ?`
const notesDelete = 'DELETE FROM history_buckets WHERE user = ? AND chat = ?'
const rangeDelete = `DELETE FROM history USING TIMESTAMP ?
  WHERE user = ? AND chat = ? AND bucket = ? AND seq >= ? AND seq <= ?`

/** Rows of a page: at the default limit of bodies 3 MB at most. */
const pageRows = 100
const last = Number.MAX_SAFE_INTEGER

type Part = { readonly chat: UserId; readonly bucket: number; readonly statements: Statement[] }

export class History {
  readonly #requests: Requests
  readonly #noted = new Remembered()
  /** By user and chat: whether it is listed follows from its buckets, of which none is noted between looking and writing. */
  readonly #lists = new Serial<string>()

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Entries that are durable. Written again they are the same rows. */
  async keep(user: UserId, entries: readonly Carrier[]): Promise<void> {
    if (entries.length === 0) return
    const parts = new Map<string, Part>()
    for (const entry of entries) {
      const [chat, bucket] = [chatOf(entry), bucketOf(entry.seq)]
      const name = nameOf(user, chat, bucket)
      const part = parts.get(name) ?? { chat, bucket, statements: [] }
      parts.set(name, part)
      part.statements.push(row(user, part, entry))
    }
    await Promise.all(
      [...parts].map(async ([name, { chat, bucket, statements }]) => {
        if (!this.#noted.has(name)) await this.#note(name, user, chat, bucket)
        await this.#requests.write(statements)
      }),
    )
  }

  /** It is listed first: of what is in a bucket no list is without the chat. */
  #note(name: string, user: UserId, chat: ChatId, bucket: number): Promise<void> {
    const { stamps } = this.#requests
    return this.#lists.run(nameOf(user, chat), async () => {
      await this.#requests.write([{ query: listInsert, params: [user, chat] }], stamps.ordered())
      await this.#requests.write([{ query: noteInsert, params: [user, chat, bucket] }], stamps.ordered())
      this.#noted.add(name)
    })
  }

  /** Chats of which a user has history, or had. */
  async chats(user: UserId): Promise<readonly ChatId[]> {
    return (await this.#requests.rows(listQuery, [user])).map((found) => found['chat'])
  }

  /** A chat of which nothing is left is not listed any more. */
  #unlist(user: UserId, chat: ChatId): Promise<void> {
    return this.#lists.run(nameOf(user, chat), async () => {
      if ((await this.#buckets(user, chat, 1, last)).length > 0) return
      await this.#requests.still(user)
      await this.#requests.write([{ query: listDelete, params: [user, chat] }], this.#requests.stamps.ordered())
    })
  }

  async read(
    user: UserId,
    chat: UserId,
    before: HistoryPosition | null,
    limit: number,
    bytes: number,
  ): Promise<Carrier[]> {
    const page: Carrier[] = []
    let size = 0
    for await (const found of this.#rows(user, chat, before?.seq ?? last, limit)) {
      const entry = entryOf(found, 0)
      if (!('body' in entry)) continue
      size += entry.body.length
      if (size > bytes && page.length > 0) break
      page.push(entry)
      if (page.length === limit) break
    }
    return page
  }

  /** From the newest on, bucket by bucket. */
  async *#rows(user: UserId, chat: UserId, before: Seq, limit: number): AsyncGenerator<Row> {
    for (const bucket of await this.#buckets(user, chat, 1, before)) {
      let state: string | undefined
      do {
        const params = [user, chat, bucket, long(before)]
        const page = await this.#requests.page(pageQuery, params, Math.min(limit, pageRows), state)
        yield* page.rows
        state = page.next
      } while (state !== undefined)
    }
  }

  /** The newest first. */
  async #buckets(user: UserId, chat: UserId, from: Seq, upTo: Seq): Promise<number[]> {
    const newest = Math.min(bucketOf(upTo), 2 ** 31 - 1)
    const rows = await this.#requests.rows(bucketsQuery, [user, chat, bucketOf(from), newest])
    return rows.map((found) => found['bucket'])
  }

  /**
   * `upTo` is at most the tail of the inbox, and `lastTime` its time, which is that of no row before: a bucket that lies in the range as a
   * whole gets no more rows.
   */
  async erase(user: UserId, chat: UserId, from: Seq, upTo: Seq, lastTime: Millis): Promise<void> {
    const at = long(lastTime * 1000 + 999)
    for (const bucket of await this.#buckets(user, chat, from, upTo)) {
      await this.#requests.still(user)
      const params = [at, user, chat, bucket, long(from), long(upTo)]
      await this.#requests.write([{ query: rangeDelete, params }])
      if (firstSeq(bucket) < from || firstSeq(bucket + 1) > upTo + 1) continue
      this.#noted.delete(nameOf(user, chat, bucket))
      await this.#requests.write([{ query: noteDelete, params: [user, chat, bucket] }], this.#requests.stamps.ordered())
    }
    if (from === 1) await this.#unlist(user, chat)
  }

  /** All of a chat: also in which buckets it was. */
  async wipe(user: UserId, chat: ChatId, upTo: Seq, lastTime: Millis): Promise<void> {
    await this.erase(user, chat, 1, upTo, lastTime)
    this.#noted.delete(nameOf(user, chat, bucketOf(upTo)))
    await this.#requests.still(user)
    await this.#requests.write([{ query: notesDelete, params: [user, chat] }], this.#requests.stamps.ordered())
  }

  /** All chats of a user were wiped. */
  async wiped(user: UserId): Promise<void> {
    await this.#requests.still(user)
    await this.#requests.write([{ query: listsDelete, params: [user] }], this.#requests.stamps.ordered())
  }
}

const nameOf = (user: UserId, chat: ChatId, ...bucket: number[]): string => [user, chat, ...bucket].join('\n')

/** The timestamp is the time of the entry: one that is written again after it was erased stays erased. */
function row(user: UserId, { chat, bucket }: Part, entry: Carrier): Statement {
  const cells = { user, chat, bucket, seq: long(entry.seq), ...cellsOf(entry) }
  const query = insert('history', Object.keys(cells).join(', '), 'TIMESTAMP ?')
  return { query, params: [...Object.values(cells), long(entry.time * 1000)] }
}
