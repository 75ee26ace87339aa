/** Storage for React Native: its AsyncStorage, or anything else that keeps text by key. */
import { readBytes, writeBytes } from '../protocol/json.ts'
import type { Storage } from './storage.ts'

/** What is needed of AsyncStorage. A text is set as a whole or not at all. */
export interface TextStorage {
  getAllKeys(): Promise<readonly string[]>
  getItem(key: string): Promise<string | null>
  setItem(key: string, text: string): Promise<unknown>
  removeItem(key: string): Promise<unknown>
}

type Entry = readonly [key: string, value: unknown]

/** UTF-16 units of a text with several values: Android reads no row above 2 MB. */
const partLength = 500_000

/**
 * Keeps under `name`: one per user and device. Several values are written down together first, and then one by one: what a crash
 * leaves half done, the next run finishes.
 */
export function asyncStorage(texts: TextStorage, name: string): Storage {
  const prefix = `bluetick:${name}:`
  const keyOf = (key: string) => `${prefix}=${key}`
  const planOf = (part: number) => `${prefix}!${part}`

  const put = ([key, value]: Entry) =>
    value === null ? texts.removeItem(keyOf(key)) : texts.setItem(keyOf(key), encode(value))

  /** Does what is written down, all of it again where some was done. */
  async function carryOut(parts: number, entries: readonly Entry[]): Promise<void> {
    await Promise.all(entries.map(put))
    // The first part makes the others count: it goes first.
    for (let part = 0; part < parts; part++) await texts.removeItem(planOf(part))
  }

  /** The first part says how many there are, and is written last. */
  async function writeDown(entries: readonly Entry[]): Promise<number> {
    const parts = inParts(entries)
    for (let part = parts.length - 1; part > 0; part--) await texts.setItem(planOf(part), `[${parts[part]}]`)
    await texts.setItem(planOf(0), `[${parts.length},[${parts[0]}]]`)
    return parts.length
  }

  async function finish(): Promise<void> {
    const first = await texts.getItem(planOf(0))
    if (first === null) return
    const [parts, entries] = decode(first) as [number, Entry[]]
    const others = await Promise.all(Array.from({ length: parts - 1 }, (_, n) => texts.getItem(planOf(n + 1))))
    await carryOut(parts, [...entries, ...others.flatMap((text) => decode(text ?? '[]') as Entry[])])
  }

  return {
    place: `asyncStorage:${name}`,
    async load() {
      await finish()
      const keys = (await texts.getAllKeys()).filter((key) => key.startsWith(keyOf('')))
      const kept = await Promise.all(keys.map(async (key) => [key, await texts.getItem(key)] as const))
      return new Map(
        kept.flatMap(([key, text]) => (text === null ? [] : [[key.slice(keyOf('').length), decode(text)]])),
      )
    },
    async write(changes) {
      const entries = [...changes].map(([key, value]): Entry => [key, value ?? null])
      const [only] = entries
      if (!only) return
      if (entries.length === 1) await put(only)
      else await carryOut(await writeDown(entries), entries)
    },
    close: async () => {},
  }
}

/** Of several entries the text between the brackets, in parts that are not too long. */
function inParts(entries: readonly Entry[]): string[] {
  const parts: string[] = []
  for (const entry of entries.map(encode)) {
    const last = parts.at(-1)
    if (last !== undefined && last.length + entry.length < partLength) parts[parts.length - 1] = `${last},${entry}`
    else parts.push(entry)
  }
  return parts
}

const encode = (value: unknown): string => JSON.stringify(value, writeBytes)
const decode = (text: string): unknown => JSON.parse(text, (_, value) => readBytes(value))
