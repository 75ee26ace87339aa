/** asyncStorage over an AsyncStorage in memory that may die at any call. */
import { describe, expect, it } from 'vitest'
import { asyncStorage, type TextStorage } from '../../src/client/async-storage.ts'
import { connect } from '../../src/client/index.ts'
import { createNode, memoryStore } from '../../src/index.ts'

/** `left`: so many more changes get through. */
class Texts implements TextStorage {
  readonly kept = new Map<string, string>([['of the app itself', 'kept']])
  left = Number.POSITIVE_INFINITY
  longest = 0
  async getAllKeys() {
    return [...this.kept.keys()]
  }
  async getItem(key: string) {
    return this.kept.get(key) ?? null
  }
  async setItem(key: string, text: string) {
    this.#change()
    this.longest = Math.max(this.longest, text.length)
    this.kept.set(key, text)
  }
  async removeItem(key: string) {
    this.#change()
    this.kept.delete(key)
  }
  #change() {
    if (this.left === 0) throw new Error('the app was killed')
    this.left -= 1
  }
}

const bytes = new Uint8Array([0, 200, 255])
const before = new Map<string, unknown>([
  ['cursor', { epoch: 1, seq: 2, user: 'alice' }],
  ['out:1', { body: 'hi', media: null, preview: bytes }],
  ['out:2', { body: bytes }],
])
const changes = new Map<string, unknown>([
  ['cursor', { epoch: 1, seq: 3, user: 'alice' }],
  ['out:1', undefined],
  ['out:3', { body: '👋 "!" ' }],
])
const after = new Map<string, unknown>([
  ['cursor', { epoch: 1, seq: 3, user: 'alice' }],
  ['out:2', { body: bytes }],
  ['out:3', { body: '👋 "!" ' }],
])

async function filled(): Promise<Texts> {
  const texts = new Texts()
  await asyncStorage(texts, 'alice').write(before)
  return texts
}

describe('asyncStorage', () => {
  it('keeps what it is given, by name, beside what others keep', async () => {
    const texts = await filled()
    await asyncStorage(texts, 'alice').write(changes)
    await asyncStorage(texts, 'alice 2').write(new Map([['out:9', 'other']]))
    expect(await asyncStorage(texts, 'alice').load()).toEqual(after)
    expect(texts.kept.get('of the app itself')).toBe('kept')
    expect([...texts.kept.keys()].filter((key) => key.includes('!'))).toEqual([])
  })

  it('has all of a write or nothing, wherever the app is killed, and also while it finishes', async () => {
    const outcomes: string[] = []
    for (let at = 0; ; at++) {
      const texts = await filled()
      texts.left = at
      const done = await asyncStorage(texts, 'alice')
        .write(changes)
        .then(
          () => true,
          () => false,
        )
      texts.left = at % 3
      await asyncStorage(texts, 'alice')
        .load()
        .catch(() => undefined)
      texts.left = Number.POSITIVE_INFINITY
      const kept = await asyncStorage(texts, 'alice').load()
      expect([before, after]).toContainEqual(kept)
      outcomes.push(kept.has('out:3') ? 'after' : 'before')
      if (done) break
    }
    expect(outcomes.length).toBeGreaterThan(4)
    expect(outcomes).toEqual([...outcomes].sort().reverse())
    expect(outcomes.at(-1)).toBe('after')
  })

  it('writes no text that Android could not read again', async () => {
    const texts = new Texts()
    const large = new Map(Array.from({ length: 100 }, (_, n) => [`out:${n}`, { body: 'x'.repeat(32_000) }]))
    await asyncStorage(texts, 'alice').write(large)
    expect(texts.longest).toBeLessThan(600_000)
    expect(await asyncStorage(texts, 'alice').load()).toEqual(large)
  })

  it('carries a client over restarts', async () => {
    await using node = createNode({ store: memoryStore() })
    const { url } = await node.listen({ port: 0 })
    const texts = new Texts()
    const enter = (at: string) => connect({ url: at, token: 'alice', storage: asyncStorage(texts, 'alice') })
    const offline = enter('ws://127.0.0.1:1')
    await offline.queue('bob', 'one')
    await offline.queue('bob', 'two')
    await offline.close()
    await using alice = enter(url)
    await alice.send('bob', 'three')
    await using bob = connect({ url, token: 'bob' })
    const bodies: unknown[] = []
    for await (const { body } of bob.messages()) if (bodies.push(body) === 3) break
    expect(bodies).toEqual(['one', 'two', 'three'])
  })
})
