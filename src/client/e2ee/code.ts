/**
 * The code of a device that is to be linked, as another device of its user gets it: shown and scanned, or pasted, and never by the server.
 * It says the whole key, since a part of it could be found by trying; and a secret, by which the new device knows the link that was made
 * for it.
 */
import { framed, unframed } from '../../protocol/keys/bytes.ts'
import type { Addition } from '../../protocol/keys/link.ts'

export type Code = Addition & { readonly user: string; readonly secret: Uint8Array }

const mark = 'bluetick:'
const version = 1
const secretBytes = 16

/** About 250 letters, digits, - and _. */
export function codeText({ user, device, identity, suites, request, secret }: Code): string {
  return mark + textOfBytes(framed([version, user, device, identity, suites, request, secret]))
}

/** undefined: no such code, or of a later version. */
export function codeIn(text: string): Code | undefined {
  const [of, user, device, identity, suites, request, secret] = fieldsIn(text.replace(/\s/g, ''), mark) ?? []
  if (of?.[3] !== version || !user || !device || !identity || !suites || !request || secret?.length !== secretBytes)
    return undefined
  return { user: textIn(user), device: textIn(device), identity, suites, request, secret }
}

/** In base64url. */
export function textOfBytes(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The fields in what `textOfBytes` makes, after a mark. */
export function fieldsIn(text: string, mark: string): Uint8Array[] | undefined {
  if (!text.startsWith(mark)) return undefined
  try {
    const binary = atob(text.slice(mark.length).replaceAll('-', '+').replaceAll('_', '/'))
    return unframed(Uint8Array.from(binary, (char) => char.charCodeAt(0)))
  } catch {
    return undefined
  }
}

const textIn = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
