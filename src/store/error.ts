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
