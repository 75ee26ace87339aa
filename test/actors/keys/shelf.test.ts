/** Prekeys on the server: each is given once, whatever ends, is late, or happens twice. */
import { describe, expect, it } from 'vitest'
import { packed, unpacked } from '../../../actors/keys/packed.ts'
import { claimed, filled, kept, low, type Shelf } from '../../../actors/keys/shelf.ts'
import type { Upload } from '../../../src/protocol/keys/upload.ts'
import { generator } from '../../client/e2ee/random.ts'

const bytes = (number: number) => new Uint8Array(32).fill(number)
const signed = { number: 1, key: bytes(1), suites: Uint8Array.of(1), signature: new Uint8Array(64) }

const upload = (first: number, count: number, changes: Partial<Upload> = {}): Upload => ({
  ...{ identity: bytes(9), signed, from: 1, first },
  keys: Array.from({ length: count }, (_, index) => bytes(first + index)),
  ...changes,
})
function full(shelf: Shelf | undefined, ...uploads: Upload[]): Shelf {
  let at = shelf
  for (const next of uploads) {
    const more = filled(at, next)
    if (typeof more === 'string') throw new Error(more)
    at = more
  }
  return at ?? expect.fail('nothing was left')
}
const numbers = ({ left }: Shelf) => left.map(({ number }) => number)

describe('a shelf', () => {
  it('gives its prekeys in order, and then none, and says when it is low', () => {
    let shelf = full(undefined, upload(1, low + 1))
    const given: (number | undefined)[] = []
    const lows: boolean[] = []
    for (let claims = 0; claims < low + 3; claims++) {
      const claim = claimed(shelf)
      shelf = claim.shelf
      given.push(claim.once?.number)
      lows.push(claim.isLow)
    }
    expect(given).toEqual([...Array.from({ length: low + 1 }, (_, at) => at + 1), undefined, undefined])
    expect(lows.indexOf(true)).toBe(1)
  })

  it('takes the same again, and what of it was given stays given', () => {
    const once = full(undefined, upload(1, 3))
    expect(full(once, upload(1, 3))).toEqual(once)
    const { shelf } = claimed(once)
    expect(numbers(full(shelf, upload(1, 3)))).toEqual([2, 3])
    expect(numbers(full(shelf, upload(2, 4)))).toEqual([2, 3, 4, 5])
  })

  it('takes no other key under a number that it has', () => {
    const shelf = full(undefined, upload(1, 3))
    expect(filled(shelf, upload(3, 1, { keys: [bytes(200)] }))).toBe('bad_keys')
    expect(filled(shelf, upload(4, 1, { signed: { ...signed, key: bytes(200) } }))).toBe('bad_keys')
    expect(filled(shelf, upload(4, 1, { identity: bytes(8) }))).toBe('bad_keys')
  })

  it('takes a signed prekey with a higher number, and none with a lower: that device was put back', () => {
    const shelf = full(undefined, upload(1, 1), upload(2, 1, { signed: { ...signed, number: 2, key: bytes(77) } }))
    expect(shelf.signed.number).toBe(2)
    expect(filled(shelf, upload(3, 1))).toBe('stale_keys')
  })

  it('drops what its device has lost, and never takes those numbers again', () => {
    const shelf = full(undefined, upload(1, 5), upload(9, 2, { from: 9 }))
    expect(numbers(shelf)).toEqual([9, 10])
    expect(numbers(full(shelf, upload(6, 3, { from: 1 })))).toEqual([9, 10])
  })

  it('keeps so many', () => {
    const shelf = full(undefined, upload(1, 100), upload(101, 100))
    expect(shelf.left.length).toBe(kept)
    expect(filled(shelf, upload(201, 1))).toBe('too_many')
    expect(filled(claimed(shelf).shelf, upload(201, 1))).toMatchObject({ last: 201 })
  })

  it('is as it was when a store has had it', () => {
    const shelf = full(undefined, upload(1, 5))
    expect(unpacked(packed(shelf))).toEqual(shelf)
    expect(() => unpacked({ shelf: Uint8Array.of(1), once: new Uint8Array(0) })).toThrow('not what was written')
  })

  it('of a store that was put back gives nothing until its device brings new ones', () => {
    const shelf = unpacked({ ...packed(full(undefined, upload(1, 5))), once: new Uint8Array(0) })
    expect(claimed(shelf).once).toBeUndefined()
    expect(numbers(full(shelf, upload(1, 5), upload(6, 2)))).toEqual([6, 7])
  })
})

/** One row of a store, which changes on a condition; a write may be of unknown outcome: it stands now, later, or never. */
class Row {
  #at: { readonly shelf: Shelf; readonly version: number }
  readonly late: (() => void)[] = []

  constructor(shelf: Shelf) {
    this.#at = { shelf, version: 0 }
  }

  read() {
    return this.#at
  }

  /** `blindly`: without the condition, as it must not be. */
  write(shelf: Shelf, version: number, blindly: boolean): boolean {
    if (!blindly && this.#at.version !== version) return false
    this.#at = { shelf, version: this.#at.version + 1 }
    return true
  }
}

/** Two nodes of which each thinks that the shelf is its own, 200 claims, crashes, and writes that come late. */
function race(seed: number, blindly: boolean) {
  const random = generator(seed)
  const row = new Row(full(undefined, upload(1, 100), upload(101, 100)))
  const nodes = [row.read(), row.read()]
  const given: number[] = []
  for (let waiting = 200; waiting > 0; ) {
    if (random(8) === 0) row.late.shift()?.()
    const node = random(2)
    if (random(20) === 0) nodes[node] = row.read() // It has crashed, and knows what the store has.
    const { shelf, version } = nodes[node] ?? row.read()
    const claim = claimed(shelf)
    const write = () => row.write(claim.shelf, version, blindly)
    if (random(8) === 0) {
      row.late.push(write)
      nodes[node] = row.read()
    } else if (write()) {
      if (claim.once) given.push(claim.once.number)
      waiting--
      nodes[node] = row.read()
    } else nodes[node] = row.read()
  }
  return given.length - new Set(given).size
}

describe('200 claims at two nodes at once, with crashes and late writes', () => {
  const seeds = Array.from({ length: 50 }, (_, index) => index + 1)

  it('give no prekey twice', () => {
    expect(seeds.map((seed) => race(seed, false)).filter((twice) => twice > 0)).toEqual([])
  })

  it('would, were the shelf written without the condition', () => {
    expect(seeds.map((seed) => race(seed, true)).filter((twice) => twice > 0).length).toBeGreaterThan(40)
  })
})
