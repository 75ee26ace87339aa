/** Published vectors: each line of a file is one test, with its columns in hex. */
import { readFileSync } from 'node:fs'

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

/** The lines of a file of vectors/, each by the names of its columns. */
export function linesOf(name: string): Record<string, string>[] {
  const { columns, tests } = JSON.parse(readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'))
  const names: string[] = columns.split(' ')
  return (tests as string[]).map((line) => {
    const values = line.split(' ').map((value) => (value === '-' ? '' : value))
    return Object.fromEntries(names.map((column, index) => [column, values[index] ?? '']))
  })
}
