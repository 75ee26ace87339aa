/** This browser as one of a person's devices: whom it knows, what it keeps of them, and whether the person is here. */
import { type Client, connect, indexedDBStorage } from '../client/index.ts'
import { browserWords } from './devices.ts'
import { forgetOffer } from './offer.ts'
import type { Sealing } from './sealing.ts'

const shelfOf = (user: string): string => `bluetick-page:${user}`
/** Where files wait to be sent. */
export const filesOf = (user: string): string => `bluetick-files:${user}`
const storageOf = (user: string): string => `${user}:${deviceOf(user)}`
const signedIn = 'signed-in:'

/** Connects. The device and what it keeps are there until the person signs out. */
export async function enter(
  me: string,
  token: string,
  sealing: Sealing | undefined,
): Promise<{ readonly client: Client; readonly shelf: string }> {
  const device = deviceOf(me)
  const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`
  const own = indexedDBStorage(storageOf(me))
  const storage = (await sealing?.locked(own, storageOf(me))) ?? own
  const options = { url, token, device, storage, background: document.hidden }
  const client = connect({ ...options, ...(sealing && { e2ee: sealing.e2ee }) })
  return { client, shelf: shelfOf(me) }
}

/** Whom the server has let in here, and who has not signed out: they need no token again, and see their chats while it is away. */
export const known = (): string[] =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(signedIn))
    .map((key) => key.slice(signedIn.length))

export const tokenOf = (user: string): string | undefined => localStorage.getItem(signedIn + user) ?? undefined

export const remember = (user: string, token: string): void => localStorage.setItem(signedIn + user, token)

/** Nobody comes in here under this name without a token. What is kept stays for who does. */
export const lock = (user: string): void => localStorage.removeItem(signedIn + user)

/** Nothing of this person is left in this browser. Their client and their book are closed. */
export async function wipe(user: string): Promise<void> {
  const kept = [`bluetick:${storageOf(user)}`, `bluetick-key:${storageOf(user)}`]
  await Promise.all([shelfOf(user), filesOf(user), ...kept].map(deleted))
  for (const key of [signedIn, 'device:']) localStorage.removeItem(key + user)
  forgetOffer(user)
}

function deleted(database: string): Promise<unknown> {
  const request = indexedDB.deleteDatabase(database)
  return new Promise((resolve) => {
    request.onsuccess = resolve
    request.onerror = resolve
  })
}

/** Names this browser, for this user: what a person knows it by, and what tells two of a kind apart. */
function deviceOf(user: string): string {
  const made = `${browserWords(navigator.userAgent)} ~${crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36)}`
  const device = localStorage.getItem(`device:${user}`) ?? made
  localStorage.setItem(`device:${user}`, device)
  return device
}

/** Tells the server when the person does something, and when the page is out of sight. */
export function tellActivity(client: Client): void {
  document.addEventListener('visibilitychange', () => client.active(!document.hidden))
  let told = Number.NEGATIVE_INFINITY
  const act = () => {
    const now = performance.now()
    if (now - told < 5_000) return
    told = now
    client.active(true)
  }
  for (const sign of ['keydown', 'pointerdown']) addEventListener(sign, act)
}
