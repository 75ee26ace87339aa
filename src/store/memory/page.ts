import type { Entry } from '../../protocol/entry.ts'

/** As many of the entries as a page takes: `limit` of them, as long as their bodies fit in `bytes`; the first always. */
export function page<T extends Entry>(entries: Iterable<T>, limit: number, bytes: number): T[] {
  const taken: T[] = []
  let size = 0
  for (const entry of entries) {
    size += 'body' in entry ? entry.body.length : 0
    if (taken.length >= limit || (size > bytes && taken.length > 0)) break
    taken.push(entry)
  }
  return taken
}
