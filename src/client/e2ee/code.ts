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
  const bytes = framed([version, user, device, identity, suites, request, secret])
  const text = btoa(String.fromCharCode(...bytes))
  return mark + text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** undefined: no such code, or of a later version. */
export function codeIn(text: string): Code | undefined {
  const trimmed = text.replace(/\s/g, '')
  if (!trimmed.startsWith(mark)) return undefined
  const [of, user, device, identity, suites, request, secret] = fieldsIn(trimmed.slice(mark.length)) ?? []
  if (of?.[3] !== version || !user || !device || !identity || !suites || !request || secret?.length !== secretBytes)
    return undefined
  return { user: textIn(user), device: textIn(device), identity, suites, request, secret }
}

function fieldsIn(text: string): Uint8Array[] | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return unframed(Uint8Array.from(binary, (char) => char.charCodeAt(0)))
  } catch {
    return undefined
  }
}

const textIn = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
