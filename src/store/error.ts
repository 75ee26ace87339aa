/** Why a store does not work. `code` for programs, the message for people. */
export class StoreError extends Error {
  readonly code:
    | 'locked'
    | 'not_writable'
    | 'full'
    | 'version'
    | 'closed'
    | 'unavailable'
    | 'corrupt'
    | 'failed'
    | 'fenced'
  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}

/** A log was written under a term that is above that of who loads it: whoever has it under a higher one may go on. */
export class Outdone extends StoreError {
  readonly term: number

  constructor(term: number, message: string) {
    super('unavailable', message)
    this.term = term
  }
}
