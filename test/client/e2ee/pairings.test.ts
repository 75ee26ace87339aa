/** Several pairings with one device: both began at once, one began anew, a first message came again. */
import { describe, expect, it } from 'vitest'
import {
  mostPairings,
  nameOf,
  type Pairings,
  readOne,
  withBegun,
  withChanged,
} from '../../../src/client/e2ee/pairings.ts'
import { about, begun, type Device, mustWrite, newDevice, primitives, textOf } from './devices.ts'
import { finished, type Pairing, type Part, partyOf } from './kit.ts'
import { generator } from './random.ts'

/** One side, which reads with all that it has, and remembers as the SDK would. */
class Side {
  pairings: Pairings = []
  readonly device: Device
  readonly answered = new Set<string>()
  #isOnceLeft = true

  constructor(device: Device) {
    this.device = device
  }

  async begin(other: Side): Promise<void> {
    this.pairings = withBegun(this.pairings, await begun(this.device, other.device))
  }

  write(text: string, at = 0): Part {
    const { pairing, part } = mustWrite(this.pairings[at] ?? expect.fail('no pairing'), text)
    this.pairings = withChanged(this.pairings, pairing)
    return part
  }

  /** The text, or why not. A message that is read is finished, unless it is to stay. */
  async read(part: Part, from: Side, finish = true): Promise<string> {
    const { me, prekeys } = this.device
    const left = { ...prekeys, once: (number: number) => (this.#isOnceLeft ? prekeys.once(number) : undefined) }
    const keeper = { me, prekeys: left, answered: this.answered }
    const found = await readOne(primitives, keeper, partyOf(from.device.me), this.pairings, part, about)
    if (typeof found === 'string') return found
    if (found.opening?.once) this.#isOnceLeft = false
    else if (found.opening) this.answered.add(nameOf(found.opening))
    this.pairings = found.pairings
    const [first] = found.pairings
    if (first && finish) this.pairings = withChanged(this.pairings, isDone(first, found.place))
    return textOf(found.text)
  }
}
const isDone = (pairing: Pairing, place: string): Pairing => ({ ...pairing, ratchet: finished(pairing.ratchet, place) })

async function both(options = {}): Promise<[Side, Side]> {
  return [new Side(await newDevice('alice', options)), new Side(await newDevice('bob', options))]
}

describe('two devices that began at once', () => {
  it('read each other, and after an exchange write in the same pairing', async () => {
    const [alice, bob] = await both()
    await Promise.all([alice.begin(bob), bob.begin(alice)])
    const [toBob, toAlice] = [alice.write('from Alice'), bob.write('from Bob')]
    expect(await bob.read(toBob, alice)).toBe('from Alice')
    expect(await alice.read(toAlice, bob)).toBe('from Bob')
    expect(alice.pairings.length).toBe(2)
    expect(await bob.read(alice.write('one'), alice)).toBe('one')
    expect(await alice.read(bob.write('two'), bob)).toBe('two')
    expect(alice.pairings[0]?.opening).toEqual(bob.pairings[0]?.opening)
    expect(alice.write('three').type).toBe(2)
  })

  it('read all that crosses, in any order', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const random = generator(seed)
      const sides = await both()
      const under: { part: Part; text: string; to: 0 | 1 }[] = []
      await Promise.all([sides[0].begin(sides[1]), sides[1].begin(sides[0])])
      for (let count = 0; count < 60 || under.length; count++) {
        const from = random(2) as 0 | 1
        const to = from ? 0 : 1
        if (count < 60 && random(2)) under.push({ part: sides[from].write(String(count)), text: String(count), to })
        else {
          const [next] = under.splice(random(under.length || 1), 1)
          if (next) expect(await sides[next.to].read(next.part, sides[next.to ? 0 : 1])).toBe(next.text)
        }
      }
    }
  })
})

describe('a device that has lost what it kept', () => {
  it('begins anew, and the other writes there once it has read it', async () => {
    const [alice, bob] = await both({ hasOnce: false })
    await alice.begin(bob)
    expect(await bob.read(alice.write('one'), alice)).toBe('one')
    bob.pairings = []
    expect(await bob.read(alice.write('two'), alice)).toBe('no_key')
    await bob.begin(alice)
    expect(await alice.read(bob.write('ask again'), bob)).toBe('ask again')
    expect(await bob.read(alice.write('two, again'), alice)).toBe('two, again')
  })

  it('writes in the new one only what it has to, until the other has answered there', async () => {
    const [alice, bob] = await both({ hasOnce: false })
    await alice.begin(bob)
    await bob.read(alice.write('one'), alice)
    await alice.read(bob.write('two'), bob)
    await alice.begin(bob)
    const asked = alice.write('ask again', 1)
    expect(await bob.read(alice.write('as before'), alice)).toBe('as before')
    expect(await bob.read(asked, alice)).toBe('ask again')
    expect(await alice.read(bob.write('here'), bob)).toBe('here')
    expect(alice.pairings[0]?.opening).toEqual(bob.pairings[0]?.opening)
  })
})

describe('a first message that comes again', () => {
  it('is read in its pairing while it is not finished, and not after', async () => {
    const [alice, bob] = await both()
    await alice.begin(bob)
    const part = alice.write('pay 10')
    for (const _ of [1, 2]) expect(await bob.read(part, alice, false)).toBe('pay 10')
    expect(await bob.read(part, alice)).toBe('pay 10')
    expect(await bob.read(part, alice)).toBe('no_key')
    expect(bob.pairings.length).toBe(1)
  })

  it.each([
    ['under a prekey of its own', true, 'no_prekey'],
    ['under the signed prekey alone', false, 'no_key'],
  ])('is not read when its pairing is gone, %s', async (_, hasOnce, why) => {
    const [alice, bob] = await both({ hasOnce })
    await alice.begin(bob)
    const part = alice.write('pay 10')
    expect(await bob.read(part, alice)).toBe('pay 10')
    bob.pairings = []
    expect(await bob.read(part, alice)).toBe(why)
  })
})

describe('pairings', () => {
  it('are so many with one device, and those that read longest ago go', async () => {
    const [alice, bob] = await both({ hasOnce: false })
    const first = async () => {
      alice.pairings = []
      await alice.begin(bob)
      return alice.write('x')
    }
    const oldest = await first()
    await bob.read(oldest, alice)
    for (let count = 0; count < mostPairings + 2; count++) expect(await bob.read(await first(), alice)).toBe('x')
    expect(bob.pairings.length).toBe(mostPairings)
    expect(await bob.read(oldest, alice)).toBe('no_key')
  })

  it('stay while a message of them is not finished', async () => {
    const [alice, bob] = await both({ hasOnce: false })
    await alice.begin(bob)
    const held = alice.write('held')
    expect(await bob.read(held, alice, false)).toBe('held')
    for (let count = 0; count < mostPairings + 2; count++) {
      alice.pairings = []
      await alice.begin(bob)
      expect(await bob.read(alice.write('x'), alice)).toBe('x')
    }
    expect(bob.pairings.length).toBe(mostPairings)
    expect(await bob.read(held, alice)).toBe('held')
  })

  it('say what is wrong with a message, by that which knows its chain', async () => {
    const [alice, bob] = await both()
    await Promise.all([alice.begin(bob), bob.begin(alice)])
    const [toBob, toAlice] = [alice.write('x'), bob.write('y')]
    await bob.read(toBob, alice)
    await alice.read(toAlice, bob)
    await alice.read(bob.write('in that of Alice'), bob)
    const part = alice.write('later')
    expect(await bob.read(part, alice)).toBe('later')
    expect(await bob.read(part, alice)).toBe('no_key')
    expect(await new Side(bob.device).read(part, alice)).toBe('no_pairing')
  })
})
