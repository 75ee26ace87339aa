/** The chain of a user's devices: what comes next and what does not, by the rules that server and clients share. */
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Chain, followed, isFork, mostLinks, noLinks, reservedLinks } from '../../../src/protocol/keys/chain.ts'
import {
  hashOf,
  linkBytes,
  newAddition,
  parseLink,
  signedLink,
  type Unsigned,
} from '../../../src/protocol/keys/link.ts'

const realm = 'chat.example.org'
const user = 'alice'
const suites = Uint8Array.of(1)

type Key = { readonly device: string; readonly seed: Uint8Array; readonly identity: Uint8Array }
const key = (device: string, number: number): Key => {
  const seed = new Uint8Array(32).fill(number)
  return { device, seed, identity: ed25519.getPublicKey(seed) }
}
const [phone, tablet, laptop, mallory] = [key('phone', 1), key('tablet', 2), key('laptop', 3), key('phone', 9)]

const adding = ({ device, identity, seed }: Key, of = { realm, user }) =>
  newAddition({ ...of, device }, identity, suites, seed)

/** The next link of a chain, as `by` signs it. */
function next(chain: Chain, by: Key, says: Partial<Unsigned>, world = realm): Uint8Array {
  const { n, hash: previous } = chain
  const unsigned: Unsigned = {
    ...{ kind: 'change', user, n: n + 1, previous, at: 1_700_000_000_000, add: [], remove: [], by: by.identity },
    ...says,
  }
  return signedLink(world, unsigned, by.seed)
}

function follow(chain: Chain, ...links: Uint8Array[]): Chain {
  let at = chain
  for (const link of links) {
    const more = followed(at, link)
    if (typeof more === 'string') throw new Error(more)
    at = more
  }
  return at
}

const empty = noLinks(realm, user)
const start = next(empty, phone, { kind: 'first', add: [adding(phone)] })
const one = follow(empty, start)
const two = follow(one, next(one, phone, { add: [adding(tablet)] }))
const names = ({ members }: Chain) => members.map(({ device }) => device)

describe('a chain', () => {
  it('begins with one device, which adds others', () => {
    expect(names(one)).toEqual(['phone'])
    expect(names(two)).toEqual(['phone', 'tablet'])
    expect(two).toMatchObject({ n: 2 })
  })

  it('lets any device add and remove, also the first, and then the next oldest is the root', () => {
    const three = follow(two, next(two, tablet, { add: [adding(laptop)], remove: [phone.identity] }))
    expect(names(three)).toEqual(['tablet', 'laptop'])
  })

  it('may give a name to another key, when the one that had it goes', () => {
    const again = key('tablet', 7)
    expect(followed(two, next(two, phone, { add: [adding(again)] }))).toBe('refused')
    const three = follow(two, next(two, phone, { add: [adding(again)], remove: [tablet.identity] }))
    expect(names(three)).toEqual(['phone', 'tablet'])
  })

  it('begins anew with one device, which nobody of the old ones has signed', () => {
    const reset = follow(two, next(two, laptop, { kind: 'reset', add: [adding(laptop)] }))
    expect(names(reset)).toEqual(['laptop'])
    expect(followed(reset, next(reset, phone, { remove: [laptop.identity] }))).toBe('refused')
  })
})

describe('a link does not come next', () => {
  const says = (chain: Chain, by: Key, what: Partial<Unsigned>, world?: string) =>
    followed(chain, next(chain, by, what, world))

  it('that a stranger has signed, or the server', () => {
    expect(says(one, mallory, { add: [adding(mallory)] })).toBe('refused')
    expect(says(one, tablet, { add: [adding(tablet)] })).toBe('refused')
    expect(says(one, { ...mallory, identity: phone.identity }, { add: [adding(tablet)] })).toBe('malformed')
  })

  it('that adds a device which has not asked, or asked another user, elsewhere, or for another name', () => {
    const asked = adding(tablet)
    const wrong = [
      { ...asked, request: adding(laptop).request },
      { ...asked, request: adding(tablet, { realm, user: 'bob' }).request },
      { ...asked, request: adding(tablet, { realm: '', user }).request },
      { ...asked, device: 'laptop' },
      { ...asked, suites: Uint8Array.of(1, 2) },
    ]
    for (const addition of wrong) expect(says(one, phone, { add: [addition] })).toBe('malformed')
  })

  it('that is of another user, or another world', () => {
    expect(says(one, phone, { user: 'bob', add: [adding(tablet, { realm, user: 'bob' })] })).toBe('malformed')
    expect(says(one, phone, { add: [adding(tablet)] }, 'chat.example.net')).toBe('malformed')
  })

  it('that has another number, or comes after another link', () => {
    expect(says(one, phone, { n: 1, add: [adding(tablet)] })).toBe('stale')
    expect(says(one, phone, { n: 3, add: [adding(tablet)] })).toBe('stale')
    expect(followed(two, start)).toBe('stale')
    expect(says(one, phone, { previous: new Uint8Array(32), add: [adding(tablet)] })).toBe('fork')
    const other = follow(one, next(one, phone, { add: [adding(laptop)] }))
    expect(says(other, phone, { n: 3, add: [adding(tablet)] })).toMatchObject({ n: 3 })
    expect(followed(two, next(other, phone, { add: [adding(tablet)] }))).toBe('fork')
  })

  it('that brings back a key which has left, also after a reset', () => {
    const three = follow(two, next(two, phone, { remove: [tablet.identity] }))
    expect(says(three, phone, { add: [adding(tablet)] })).toBe('refused')
    expect(says(three, tablet, { kind: 'reset', add: [adding(tablet)] })).toBe('refused')
    const reset = follow(three, next(three, laptop, { kind: 'reset', add: [adding(laptop)] }))
    for (const back of [phone, tablet]) expect(says(reset, laptop, { add: [adding(back)] })).toBe('refused')
  })

  it.each<[string, () => Chain | string]>([
    ['leaves nobody', () => says(one, phone, { remove: [phone.identity] })],
    ['says nothing', () => says(one, phone, {})],
    ['removes who is not there', () => says(one, phone, { remove: [tablet.identity] })],
    ['removes somebody twice', () => says(two, phone, { remove: [tablet.identity, tablet.identity] })],
    ['adds who is there', () => says(two, phone, { add: [adding(tablet)] })],
    ['adds somebody twice', () => says(one, phone, { add: [adding(tablet), adding(tablet)] })],
    ['adds and removes the same', () => says(two, phone, { add: [adding(laptop)], remove: [laptop.identity] })],
    ['adds two of one name', () => says(one, phone, { add: [adding(tablet), adding(key('tablet', 8))] })],
    ['begins twice', () => says(one, tablet, { kind: 'first', add: [adding(tablet)] })],
    ['begins with a change', () => says(empty, phone, { add: [adding(phone)] })],
    ['begins with a reset', () => says(empty, phone, { kind: 'reset', add: [adding(phone)] })],
    ['begins with two', () => says(empty, phone, { kind: 'first', add: [adding(phone), adding(tablet)] })],
    ['resets to another than its signer', () => says(one, laptop, { kind: 'reset', add: [adding(tablet)] })],
    ['resets to a device that is there', () => says(two, tablet, { kind: 'reset', add: [adding(tablet)] })],
  ])('that %s', (_, link) => expect(link()).toBe('refused'))

  it('that adds when the chain is nearly full: the last ones are for removal and reset', () => {
    const nearly = { ...two, n: mostLinks - reservedLinks }
    expect(says(nearly, phone, { add: [adding(laptop)] })).toBe('refused')
    expect(says(nearly, phone, { remove: [tablet.identity] })).toMatchObject({ n: nearly.n + 1 })
    expect(says(nearly, laptop, { kind: 'reset', add: [adding(laptop)] })).toMatchObject({ n: nearly.n + 1 })
    expect(says({ ...two, n: mostLinks - 1 }, phone, { remove: [tablet.identity] })).toMatchObject({ n: mostLinks })
    expect(says({ ...two, n: mostLinks }, phone, { remove: [tablet.identity] })).toBe('refused')
  })
})

describe('bytes that are no link', () => {
  const link = next(one, phone, { add: [adding(tablet)], remove: [laptop.identity] })

  it('are told, whatever byte is another', () => {
    const right = next(one, phone, { add: [adding(tablet)] })
    for (const at of right.keys()) {
      const wrong = right.slice()
      wrong[at] = (wrong[at] ?? 0) ^ 1
      expect(['malformed', 'stale', 'fork']).toContain(followed(one, wrong))
    }
    expect(followed(one, right)).toMatchObject({ n: 2, hash: hashOf(right) })
  })

  it('have one form: what is longer, shorter or written otherwise is none', () => {
    expect(parseLink(link)).toMatchObject({ user, n: 2 })
    expect(parseLink(link.subarray(0, -1))).toBeUndefined()
    expect(parseLink(new Uint8Array([...link, 0]))).toBeUndefined()
    expect(parseLink(new Uint8Array([...link, 0, 0, 0, 0]))).toBeUndefined()
    expect(parseLink(new Uint8Array(linkBytes + 1))).toBeUndefined()
  })

  it('are told without an exception, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(600), fc.nat(255), (noise, at, byte) => {
        expect(followed(one, noise)).toBe('malformed')
        const changed = link.map((was, index) => (index === at % link.length ? byte : was))
        if (String(changed) !== String(link)) expect(['malformed', 'stale', 'fork']).toContain(followed(one, changed))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('two views of a chain', () => {
  it('are a fork where they are as long and not the same, and none where one is longer', () => {
    const other = follow(one, next(one, phone, { add: [adding(laptop)] }))
    expect(isFork(two, other)).toBe(true)
    expect(isFork(two, two)).toBe(false)
    expect(isFork(one, other)).toBe(false)
  })
})
