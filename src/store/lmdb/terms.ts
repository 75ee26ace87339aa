/** Terms, and the names of their nodes: inside a transaction, in which no other process writes. */
import type { Tables } from './tables.ts'

export function nextTerm({ settings }: Tables): number {
  const term = (settings.get('term') ?? 0) + 1
  void settings.put('term', term)
  return term
}

/** Names that are kept, of the latest terms. */
const remembered = 16_384

/** Names the node of a term, and forgets the oldest names. */
export function beginLife({ lives }: Tables, term: number, name: number): void {
  void lives.put(name, term)
  for (const { key, value } of lives.getRange({})) if (value <= term - remembered) void lives.remove(key)
}
