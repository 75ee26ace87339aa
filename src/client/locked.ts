/** A storage that is of no use without its key: what is kept in it, and under which names, is encrypted. */
import { readBytes, writeBytes } from '../protocol/json.ts'
import { StorageError, UsageError } from './errors.ts'
import type { Storage } from './storage.ts'

/** In it stands the key by which names are hidden, under the key of the program. */
const root = 'locked'
const ivBytes = 12

type Keys = { readonly values: CryptoKey; readonly names: CryptoKey }

/**
 * `key`: 32 random bytes, or a key of WebCrypto for AES-GCM, which need not be extractable; whoever has it and the storage reads all. What
 * a storage has kept without a lock is locked when it is loaded. Rejects there with a StorageError (`storage_locked`) where the key is another,
 * or what names are hidden by is gone.
 * What was deleted stays in the files of some storages for a while, encrypted by the same key.
 */
export function lockedStorage(storage: Storage, key: CryptoKey | Uint8Array): Storage {
  if (key instanceof Uint8Array && key.length !== 32) throw new UsageError('bad_option', 'the key has 32 bytes')
  let keys: Keys | undefined
  return {
    ...(storage.place !== undefined && { place: storage.place }),
    async load() {
      const kept = await storage.load()
      const values = key instanceof Uint8Array ? await importedKey(key, 'AES-GCM', ['encrypt', 'decrypt']) : key
      const known = kept.get(root)
      if (known !== undefined) {
        keys = { values, names: await namesIn(values, known) }
        const locked = [...kept].filter(([name]) => name !== root)
        return new Map(await Promise.all(locked.map(([name, value]) => unlocked(values, name, value))))
      }
      if ([...kept].some(isLocked))
        throw new StorageError(
          'storage_locked',
          `the storage was locked, and its entry \`${root}\` is gone: put it back`,
        )
      const made = crypto.getRandomValues(new Uint8Array(32))
      keys = { values, names: await importedKey(made, hmac, ['sign']) }
      const plain = [...kept.keys()].map((name) => [name, undefined] as const)
      const changes = new Map<string, unknown>([...plain, ...(await lockedAll(keys, kept))])
      await storage.write(changes.set(root, await sealed(values, root, made)))
      return kept
    },
    async write(changes) {
      if (!keys) throw new StorageError('storage_failed', 'load it first')
      await storage.write(await lockedAll(keys, changes))
    },
    close: () => storage.close(),
  }
}

/** As a lock names things: nothing else that a client keeps has such a name. */
const isLocked = ([name, value]: readonly [string, unknown]): boolean =>
  /^[0-9a-f]{64}$/.test(name) && value instanceof Uint8Array

const hmac = { name: 'HMAC', hash: 'SHA-256' }

const importedKey = (bytes: Uint8Array, algorithm: string | typeof hmac, uses: KeyUsage[]): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', bytes as BufferSource, algorithm, false, uses)

async function namesIn(values: CryptoKey, sealed: unknown): Promise<CryptoKey> {
  return importedKey(await opened(values, root, sealed), hmac, ['sign'])
}

async function lockedAll(keys: Keys, changes: ReadonlyMap<string, unknown>): Promise<Map<string, unknown>> {
  return new Map(
    await Promise.all(
      [...changes].map(async ([name, value]) => {
        const hidden = hexOf(await crypto.subtle.sign('HMAC', keys.names, textBytes(name)))
        const text = value === undefined ? undefined : JSON.stringify([name, value], writeBytes)
        return [hidden, text === undefined ? undefined : await sealed(keys.values, hidden, textBytes(text))] as const
      }),
    ),
  )
}

async function unlocked(key: CryptoKey, hidden: string, value: unknown): Promise<[string, unknown]> {
  const text = new TextDecoder().decode(await opened(key, hidden, value))
  return JSON.parse(text, (_key, value) => readBytes(value))
}

/** `place`: where it stands, so that it counts nowhere else. */
async function sealed(key: CryptoKey, place: string, bytes: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
  const how = { name: 'AES-GCM', iv, additionalData: textBytes(place) }
  return new Uint8Array([...iv, ...new Uint8Array(await crypto.subtle.encrypt(how, key, bytes as BufferSource))])
}

async function opened(key: CryptoKey, place: string, value: unknown): Promise<Uint8Array> {
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(0)
  const how = { name: 'AES-GCM', iv: bytes.slice(0, ivBytes), additionalData: textBytes(place) }
  const text = await crypto.subtle.decrypt(how, key, bytes.slice(ivBytes)).catch((error) => {
    throw new StorageError('storage_locked', 'the storage is locked by another key, or was changed', error)
  })
  return new Uint8Array(text)
}

const textBytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
