/** People who talk in pairs, by the SDK, with two devices each: a process of its own beside the node. */
import { e2ee } from '../src/client/e2ee/index.ts'
import { type Client, connect } from '../src/client/index.ts'
import { answer } from './child.ts'
import { keyCosts } from './keys.ts'

type Person = { readonly name: string; readonly phone: Client; readonly laptop: Client }

const people: Person[] = []
let received = 0
let wanted = Number.POSITIVE_INFINITY
let reached = () => {}

async function open({ url, talks, seals }: { url: string; talks: number; seals: boolean }): Promise<void> {
  for (let n = 0; n < 2 * talks; n++) people.push(await enter(url, `talker-${n}`, seals))
}

async function enter(url: string, name: string, seals: boolean): Promise<Person> {
  const device = async (device: string) => {
    const client = connect({ url, token: name, device, ...(seals && { e2ee: e2ee() }) })
    void read(client)
    if (seals) await client.e2ee?.place()
    else await client.devices()
    return client
  }
  const [phone, laptop] = [await device('phone'), await device('laptop')]
  if (!seals) return { name, phone, laptop }
  const linked = new Promise<void>((resolve) =>
    laptop.e2ee?.on('place', ({ place }) => place === 'linked' && resolve()),
  )
  await phone.e2ee?.approve((await laptop.e2ee?.code()) ?? '')
  await linked
  return { name, phone, laptop }
}

async function read(client: Client): Promise<void> {
  for await (const batch of client.batches()) for (const _ of batch) got()
}

function got(): void {
  received += 1
  if (received >= wanted) reached()
}

/** At a steady rate, each from the phone of one to the other; done when both devices of whom it is for have it. */
async function talk({ count, rate, body }: { count: number; rate: number; body: number }) {
  const before = process.cpuUsage()
  const from = received
  const text = 'x'.repeat(body)
  const all = new Promise<void>((resolve) => {
    reached = resolve
  })
  wanted = from + 2 * count
  const start = performance.now()
  const sends: Promise<unknown>[] = []
  for (let sent = 0; sent < count; sent++) {
    const late = performance.now() - start - (sent * 1_000) / rate
    if (late < 0) await new Promise((resolve) => setTimeout(resolve, -late))
    const [one, other] = [people[sent % people.length], people[(sent % people.length) ^ 1]] as [Person, Person]
    sends.push(one.phone.send(other.name, text))
  }
  await Promise.all(sends)
  await all
  const { user, system } = process.cpuUsage(before)
  return { received: received - from, expected: 2 * count, cpuUs: user + system }
}

answer({ open, talk, keys: keyCosts }, () =>
  Promise.all(people.flatMap(({ phone, laptop }) => [phone.close(), laptop.close()])),
)
