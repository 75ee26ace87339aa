/** What went wrong. There is one class for each thing that a program can do next; `code` says what exactly happened. */
import { type CloseCode, closeCodes, type ErrorCode, errorCodes } from '../protocol/codes.ts'

/** What all errors of this package are: `code` is for programs, the message for people. */
export class BluetickError extends Error {
  readonly code: string
  constructor(code: string, text: string, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.code = code
  }
}

/** What a code says; the code itself where it is of a newer server. */
function inWords(table: Record<string, { readonly text: string }>, code: string): string {
  const row = table[code]
  return row ? `${row.text} (${code})` : code
}

/** This message will never be sent: change it, or tell the person. `code` is from the table of error codes. */
export class RefusedError extends BluetickError {
  constructor(code: string) {
    super(code, `refused: ${inWords(errorCodes, code)}`)
  }
}

/** This content is not to be had, or not taken. `code` is from the table of docs/media.md. */
export class MediaError extends BluetickError {
  /** Milliseconds after which the same call may succeed; 0 for never. */
  readonly retryAfterMs: number
  constructor(code: string, retryAfterMs: number) {
    super(code, `refused: ${code}`)
    this.retryAfterMs = retryAfterMs
  }
}

/** There was no answer in the `timeout` of a call. What was asked may still happen. */
export class TimeoutError extends BluetickError {
  constructor(ms: number) {
    super('timeout', `no answer within ${ms} ms; what was asked may still happen`)
  }
}

/** As much waits to be sent as this client keeps: try again when some of it has gone. */
export class OutboxFullError extends BluetickError {
  constructor() {
    super('outbox_full', 'too many messages wait to be sent')
  }
}

/** This client has ended, and its calls with it: connect anew, once what `code` names is put right. */
export class ClosedError extends BluetickError {
  declare readonly code: EndCode
  constructor(code: EndCode, cause?: unknown) {
    super(code, code === 'closed' ? 'the client was closed' : `the session ended: ${inWords(closeCodes, code)}`, cause)
  }
}

/** The storage cannot be used: free it, mend it, or name another. The session ends, since nothing can be kept any more. */
export class StorageError extends BluetickError {
  declare readonly code: StorageCode
  constructor(code: StorageCode, text: string, cause?: unknown) {
    super(code, text, cause)
  }
}

/** The call is wrong, and would be wrong again: a mistake in the program. */
export class UsageError extends BluetickError {}

/**
 * `storage_failed`: it could not be read or written. `storage_damaged`: it holds what this client did not write.
 * `storage_in_use`: another process has it. `storage_taken`: another tab or client took it over.
 * `storage_of_another_user`: it belongs to another user than the token. `storage_locked`: it is locked by another key, or lacks what its names are hidden by.
 */
export type StorageCode =
  | 'storage_failed'
  | 'storage_damaged'
  | 'storage_in_use'
  | 'storage_taken'
  | 'storage_of_another_user'
  | 'storage_locked'

/**
 * Why a client ended: `closed` by its program, by the server with a close code from 3500 on or with an error code that refuses the
 * hello (`bad_id`: no device may be called so), or by its storage.
 */
export type EndCode = 'closed' | CloseCode | ErrorCode | StorageCode | `close_${number}`
