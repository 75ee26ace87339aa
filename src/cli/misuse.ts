/** What is wrong with how a command was called: it ends with code 2, and what fails for other reasons with 1. */
export class Misuse extends Error {}

/** "; did you mean --port?" where a known name is near; else nothing. `as` is put before the name. */
export function meant(name: string, known: readonly string[], as = ''): string {
  const plain = (text: string) => text.toLowerCase().replace(/^bluetick|[^a-z0-9]/g, '')
  const given = plain(name)
  const [best] = known
    .map((word) => ({ word, far: distance(given, plain(word)) }))
    .filter(({ word, far }) => far <= Math.max(1, Math.floor(plain(word).length / 3)))
    .sort((a, b) => a.far - b.far)
  return best ? `; did you mean ${as}${best.word}?` : ''
}

/** How many letters are wrong, missing, too many, or swapped with the next. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, n) => n)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const other = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + other)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j] ?? 0, (before[j - 2] ?? 0) + 1)
    }
    ;[before, last] = [last, row]
  }
  return last[b.length] ?? 0
}
