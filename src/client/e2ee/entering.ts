/** What a device does each time it is welcomed: its prekeys are at the server, and it is in the chain of its user. */
import type { Chain } from '../../protocol/keys/chain.ts'
import { uploadedAtOnce } from '../../protocol/keys/upload.ts'
import { systemClock } from '../clock.ts'
import type { Engine } from './engine.ts'
import type { Line } from './line.ts'
import { low } from './own.ts'
import type { Place } from './types.ts'

/** `first`: whether to begin the chain of a user who has none. */
export async function enter(engine: Engine, line: Line, first: () => boolean | Promise<boolean>): Promise<Place> {
  const primitives = await engine.primitives()
  await engine.alone(async () => engine.changed(new Map(), await engine.own.renew(primitives, systemClock.now())))
  // Nothing is signed by an identity that a crash would forget.
  await engine.vault.flush()
  const { chain: shown, missing } = await engine.pins.shown(line, engine.user)
  if (engine.own.hasLeft(shown)) return 'removed'
  const left = await upload(engine, line, 0)
  if (left === undefined) return 'refused'
  if (left < low) await bring(engine, line)
  await giveBack(line, missing)
  if (shown.n === 0 && (await first())) return begin(engine, line, shown)
  return placeIn(engine)
}

/** Where this device is in the chain of its user, as far as it trusts that. */
export function placeIn({ pins, own, user, device }: Engine): Place {
  const chain = pins.of(user)?.chain
  if (chain && own.hasLeft(chain)) return 'removed'
  return chain && own.isIn(chain, device) ? 'linked' : 'unlinked'
}

/** More prekeys for one use: they are durable here before anybody can have one. */
async function bring(engine: Engine, line: Line): Promise<void> {
  const primitives = await engine.primitives()
  await engine.alone(async () => engine.changed(new Map(), await engine.own.more(primitives)))
  await engine.vault.flush()
  await upload(engine, line, uploadedAtOnce)
}

/** Milliseconds between two times that the server has said that there are few and more are brought: it may say so without end. */
const refillMs = 60_000

/** There are few. Answers what ends the wait until more are brought. */
export function refill(engine: Engine, line: Line): () => void {
  const { own } = engine
  return systemClock.after(Math.max(0, own.refilledAt + refillMs - systemClock.monotonic()), () => {
    own.refilledAt = systemClock.monotonic()
    if (line.isOpen) bring(engine, line).catch(() => {})
  })
}

/** To a server that was put back. It takes no link of a device that has not come to it since: that one brings it. */
async function giveBack(line: Line, links: readonly Uint8Array[]): Promise<void> {
  for (const link of links) if ((await line.ask(['link', line.ref(), link]))[0] !== 'done') return
}

/** Answers how many are there then; undefined: the server does not take them. */
async function upload(engine: Engine, line: Line, count: number): Promise<number | undefined> {
  const { realm, user, device, own } = engine
  const answer = await line.ask(['prekeys', line.ref(), own.upload({ realm, user, device }, count)])
  return answer[0] === 'done' ? answer[3] : undefined
}

/** The first link, or one that begins anew; `after`: the chain that it goes on from, and no other. */
export async function begin(engine: Engine, line: Line, after?: Chain): Promise<Place> {
  const { realm, user, device, own, pins, vault } = engine
  const chain = after ?? (await pins.shown(line, user)).chain
  const link = own.alone({ realm, user, device }, chain, systemClock.now())
  await line.ask(['link', line.ref(), link])
  const pin = await pins.fresh(line, user)
  if (own.isIn(pin.chain, device)) pins.keep(user, { ...pin, accepted: pin.chain.n })
  await vault.flush()
  return placeIn(engine)
}
