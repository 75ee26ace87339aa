/** What a program may hand to `connect`: JavaScript, and environment variables that are not set, pass the compiler. */
import { UsageError } from './errors.ts'
import type { ConnectOptions } from './types.ts'

/** Throws a UsageError for what could never connect. */
export function checkOptions({ url, token }: ConnectOptions): void {
  if (!isAddress(url)) throw new UsageError('bad_url', 'url must be ws:// or wss://')
  if (typeof token !== 'string' && typeof token !== 'function')
    throw new UsageError('bad_option', 'token must be text or a function')
}

/** What the platform's WebSocket takes; it throws at the rest, which a try to connect is too late for. */
function isAddress(url: string): boolean {
  try {
    const { protocol, hash } = new URL(url)
    return /^wss?:$/.test(protocol) && !hash
  } catch {
    return false
  }
}
