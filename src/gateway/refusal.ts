/** How `/media` refuses. */
import { type MediaError, mediaErrors } from '../protocol/media.ts'
import type { Answer } from './http.ts'

/** What went wrong in the media store, or in telling who asks, as the client is told. */
export const failure = (error: unknown): MediaError =>
  /^(ENOSPC|full)$/.test(String((error as { code?: unknown }).code)) ? 'full' : 'unavailable'

/** A refusal as its row in the table says, in JSON. */
export function refusal(error: MediaError, headers: Record<string, string> = {}): Answer {
  const { status, retryAfter, text } = mediaErrors[error]
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(retryAfter > 0 && { 'retry-after': String(retryAfter) }),
      ...(error === 'bad_token' && { 'www-authenticate': 'Bearer' }),
      ...headers,
    },
    body: `${JSON.stringify({ error, text })}\n`,
  }
}
