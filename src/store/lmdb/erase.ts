/** Deletion: what a user no longer wants to have of a chat leaves their inbox and its history, slice by slice. */
import { goneOf, isErased } from '../../protocol/entry.ts'
import type { Seq, UserId } from '../../protocol/ids.ts'
import type { Commits } from './commits.ts'
import { rewrite, rowOf } from './entries.ts'
import { removeTimers } from './lasting.ts'
import { unpackRow } from './packed.ts'
import { lastSeq, type Tables } from './tables.ts'

/** Rows that are looked through, or removed, in one turn of the event loop: some milliseconds. */
const most = 500

/** The entries are in the tables by user: the journal has none of them. */
export async function erase(
  { tables, commits }: { readonly tables: Tables; readonly commits: Commits<Tables> },
  user: UserId,
  chat: UserId,
  from: Seq,
  upTo: Seq,
): Promise<void> {
  const slice = () => commits.room.rows(most)
  for (let start: Seq | null = from; start !== null; ) {
    const { seqs, next }: Erased = find(tables, user, chat, start, upTo, slice())
    await commits.change((tables) => eraseEntries(tables, user, seqs), { frees: true })
    start = next
  }
  const history = (tables: Tables) => eraseHistory(tables, user, chat, from, upTo, slice())
  for (let more = true; more; ) more = await commits.change(history, { frees: true })
}

/** What is to be erased in a slice of rows, and where the next slice begins; null: this was the last. */
type Erased = { readonly seqs: readonly Seq[]; readonly next: Seq | null }

function find({ entries }: Tables, user: UserId, chat: UserId, from: Seq, upTo: Seq, slice: number): Erased {
  const seqs: Seq[] = []
  const rows = entries.getRange({ start: rowOf(entries, user, from), end: [user, after(upTo)], limit: slice + 1 })
  let count = 0
  for (const { key, value } of rows) {
    if (count++ === slice) return { seqs, next: key[1] }
    for (const entry of unpackRow(value)) if (isErased(entry, chat, from, upTo)) seqs.push(entry.seq)
  }
  return { seqs, next: null }
}

/** Makes `gone` of messages and copies, which may have left since they were found. */
function eraseEntries(tables: Tables, user: UserId, seqs: readonly Seq[]): void {
  rewrite(tables, user, seqs, (entry) => {
    removeTimers(tables, user, [entry])
    return goneOf(entry)
  })
}

/** Takes some messages out of a history; whether there may be more. */
function eraseHistory({ history }: Tables, user: UserId, chat: UserId, from: Seq, upTo: Seq, slice: number): boolean {
  const keys = [...history.getKeys({ start: [user, chat, from], end: [user, chat, after(upTo)], limit: slice })]
  for (const key of keys) void history.remove(key)
  return keys.length === slice
}

const after = (upTo: Seq): Seq => Math.min(upTo, lastSeq - 1) + 1
