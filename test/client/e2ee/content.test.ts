/** Sealed content: what comes back is what was sealed, or nothing, whoever has changed it under way. */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, expect, it, vi } from 'vitest'
import { Layout, openChunk, sealChunk } from '../../../src/client/e2ee/chunks.ts'
import { OpenedContent, SealedContent } from '../../../src/client/e2ee/content.ts'
import { hmac, materialOf } from '../../../src/client/e2ee/symmetric.ts'
import { framed } from '../../../src/protocol/keys/bytes.ts'

afterEach(() => vi.restoreAllMocks())

const chunk = 64 * 1024
const key = () => new Uint8Array(randomBytes(32))
const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.from(one).equals(other)
const bytesOf = async (blob: Blob) => new Uint8Array(await blob.arrayBuffer())

type Made = { readonly id: string; readonly key: Uint8Array; readonly size: number; readonly sealed: Uint8Array }
async function made(content: Uint8Array, under: Uint8Array = key()): Promise<Made> {
  const { source, id } = await SealedContent.of(new Blob([new Uint8Array(content)]), under)
  return { id, key: under, size: content.length, sealed: await bytesOf(await source.slice(0, source.size)) }
}

/** Opens these bytes in the place of what was sealed; they come in pieces. */
async function opened(of: Omit<Made, 'sealed'>, sealed: Uint8Array, pieces = [sealed.length]) {
  const content = new OpenedContent(of)
  let at = 0
  for (const piece of [...pieces, sealed.length]) {
    const some = sealed.subarray(at, at + piece)
    at += some.length
    if (some.length > 0) await content.take(some)
  }
  return bytesOf(content.blob(''))
}
const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'wrong_hash', retryAfterMs: 0 })

it.each([0, 1, 1_023, 1_025, chunk - 1, chunk, chunk + 1, 3 * chunk, 200_001])(
  '%i bytes come back as they were, in whatever pieces they come',
  async (size) => {
    const content = new Uint8Array(randomBytes(size))
    const of = await made(content)
    expect(of.id).toBe(createHash('sha256').update(of.sealed).digest('hex'))
    expect(of.sealed.length).toBe(new Layout(size).sealed)
    for (const piece of [1_000, chunk, of.sealed.length])
      expect(isSame(await opened(of, of.sealed, Array(Math.ceil(of.sealed.length / piece)).fill(piece)), content)).toBe(
        true,
      )
  },
)

it('is the same bytes where the platform has no cryptography for a page, and either opens what the other has sealed', async () => {
  const [content, under] = [new Uint8Array(randomBytes(70_000)), key()]
  const one = await made(content, under)
  vi.spyOn(globalThis.crypto, 'subtle', 'get').mockReturnValue(undefined as never)
  const other = await made(content, under)
  expect(Buffer.from(other.sealed).equals(one.sealed)).toBe(true)
  expect(isSame(await opened(one, one.sealed), content)).toBe(true)
  await refused(opened(one, one.sealed.with(40, (one.sealed[40] as number) ^ 1)))
})

it('tells little of a size: it is that of many others, and at most an eighth more', () => {
  const sizes = Array.from({ length: 2_000 }, (_, n) => n * 997 + 1_024)
  const sealed = sizes.map((size) => new Layout(size).sealed)
  expect(new Set(sealed).size).toBeLessThan(250)
  for (const [at, size] of sizes.entries()) {
    expect(sealed[at]).toBeGreaterThan(size)
    expect(sealed[at]).toBeLessThan(size * 1.125 + 64 * (size / chunk + 1))
  }
  expect(new Layout(0).sealed).toBe(new Layout(1_024).sealed)
})

it('nothing is given out of what was cut off, moved, lengthened, or taken from elsewhere', async () => {
  const content = new Uint8Array(randomBytes(4 * chunk))
  const of = await made(content)
  const { sealed } = of
  const { count, sealedStart } = new Layout(of.size)
  expect(count).toBe(4)
  const [one, two, three, four] = [0, 1, 2, 3].map((n) => sealed.subarray(sealedStart(n), sealedStart(n + 1))) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const other = await made(new Uint8Array(randomBytes(4 * chunk)))
  const sameKey = await made(new Uint8Array(randomBytes(4 * chunk)), of.key)
  const shorter = await made(content.slice(0, 2 * chunk), of.key)
  const attacks: Record<string, readonly Uint8Array[]> = {
    'the last chunk is missing': [one, two, three],
    'two have changed places': [one, three, two, four],
    'one comes twice': [one, two, two, four],
    'a chunk is of another upload': [one, other.sealed.subarray(sealedStart(1), sealedStart(2)), three, four],
    'another upload': [other.sealed],
    'one more chunk': [one, two, three, four, four],
    'one more byte': [sealed, new Uint8Array(1)],
    'a member who has the key has made another': [sameKey.sealed],
    'or one chunk of it': [one, two, sameKey.sealed.subarray(sealedStart(2), sealedStart(3)), four],
    'and ends it earlier': [shorter.sealed, three, four],
    nothing: [],
  }
  for (const [name, parts] of Object.entries(attacks)) {
    const bytes = Buffer.concat(parts)
    await refused(opened(of, bytes, [chunk]).then((given) => expect.fail(`${name}: ${given.length} bytes`)))
  }
  // Of another size, as whoever names it says.
  await refused(opened({ ...of, size: of.size - chunk }, sealed))
})

it('a chunk is of one place, and the last one of the end', async () => {
  const under = key()
  const text = new Uint8Array(randomBytes(100))
  const sealed = await sealChunk(under, { index: 1, isLast: false }, text)
  expect(await openChunk(under, { index: 1, isLast: false }, sealed)).toEqual(text)
  expect(await openChunk(under, { index: 2, isLast: false }, sealed)).toBe(undefined)
  expect(await openChunk(under, { index: 1, isLast: true }, sealed)).toBe(undefined)
  expect(await openChunk(key(), { index: 1, isLast: false }, sealed)).toBe(undefined)
})

/** Content in one chunk, with a right tag, of which the padding is this byte, whatever it is the padding of. */
function paddedWith(last: number): Made {
  const [size, under] = [1_000, key()]
  const statement = framed(['Bluetick/1/media', 1, 0, 1])
  const material = materialOf(hmac(under, statement))
  const cipher = createCipheriv('aes-256-cbc', material.subarray(0, 32), material.subarray(64)).setAutoPadding(false)
  const ciphertext = cipher.update(new Uint8Array(new Layout(size).sealed - 32).fill(last, -1))
  const tag = hmac(material.subarray(32, 64), Buffer.concat([statement, ciphertext]))
  const sealed = Buffer.concat([ciphertext, tag])
  return { id: createHash('sha256').update(sealed).digest('hex'), key: under, size, sealed }
}

it('what its sender has tagged, and is no text or one of another length, is wrong as what anybody has changed: nothing else is thrown', async () => {
  for (const last of [0, 1, 17]) {
    const of = paddedWith(last)
    await refused(opened(of, of.sealed))
  }
  vi.spyOn(globalThis.crypto, 'subtle', 'get').mockReturnValue(undefined as never)
  for (const last of [0, 1, 17]) {
    const of = paddedWith(last)
    await refused(opened(of, of.sealed))
  }
})

it('any byte that is another, anywhere, is found', async () => {
  const content = new Uint8Array(randomBytes(chunk + 5_000))
  const of = await made(content)
  const changes = fc.array(fc.tuple(fc.nat(of.sealed.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 3,
  })
  await fc.assert(
    fc.asyncProperty(changes, fc.array(fc.integer({ min: 1, max: chunk })), async (changes, pieces) => {
      const bytes = of.sealed.slice()
      for (const [at, by] of changes) bytes[at] = (bytes[at] as number) ^ by
      if (Buffer.from(bytes).equals(of.sealed)) return
      await refused(opened(of, bytes, pieces))
    }),
    { numRuns: 50 },
  )
})

it('a key is for one text: what the program changes under way does not leave', async () => {
  let content: Uint8Array<ArrayBuffer> = new Uint8Array(randomBytes(3 * chunk))
  const file = {
    size: content.length,
    slice: (first: number, end: number) => new Blob([content.slice(first, end)]),
  } as unknown as Blob
  const { source } = await SealedContent.of(file, key())
  const before = await bytesOf(await source.slice(100_000, 150_000))
  expect(isSame(await bytesOf(await source.slice(100_000, 150_000)), before)).toBe(true)
  content = content.with(2 * chunk + 1, (content[2 * chunk + 1] as number) ^ 1)
  expect(isSame(await bytesOf(await source.slice(100_000, 120_000)), before.slice(0, 20_000))).toBe(true)
  await refused(source.slice(2 * chunk, 3 * chunk))
})
