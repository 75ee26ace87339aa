/** Loads what encrypts, where the node offers it, or this browser has keys already. */
import { keepOffer, keptOffer, type Offer } from './offer.ts'
import type { Sealing } from './sealing.ts'

/**
 * undefined: the node does not offer it, and never did to this person here. Who has keys in this browser comes in with them or not at all: without
 * them nothing that was sealed could be read, and what is written would not be. Rejects where the code cannot be had.
 */
export async function sealingFor(user: string): Promise<Sealing | undefined> {
  const offer = (await offered()) ?? keptOffer(user)
  if (!offer) return undefined
  const { sealing } = await import('./e2ee/e2ee.ts')
  keepOffer(user, offer)
  // For when the server is away; the first time this page was loaded before its service worker.
  void globalThis.caches
    ?.open('bluetick')
    .then((cache) => cache.add('/e2ee.js'))
    .catch(() => undefined)
  return sealing(offer)
}

/** null: the node does not offer it; undefined: it does not answer. */
async function offered(): Promise<Offer | null | undefined> {
  const response = await fetch('/e2ee.json').catch(() => undefined)
  return response?.ok ? response.json() : undefined
}
