/** The driver's errors in words that an operator understands. */
import { driver } from './driver.ts'

type Coded = { readonly code?: string; readonly message?: string; readonly innerErrors?: Record<string, unknown> }

const words: Record<string, string> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  ETIMEDOUT: 'did not answer',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ENOTFOUND: 'is a name that nobody knows',
}

/** One clause without a full stop. */
export function explain(error: unknown): string {
  const hosts = hostsOf(error)
  if (hosts.length === 0) return reason(error)
  return `no host answered: ${hosts.slice(0, 5).join(', ')}${hosts.length > 5 ? ` and ${hosts.length - 5} more` : ''}`
}

/** What each host said: "10.0.0.1:9042 refused the connection". */
export function hostsOf(error: unknown): string[] {
  if (!(error instanceof driver().errors.NoHostAvailableError)) return []
  return Object.entries(error.innerErrors ?? {}).map(([host, inner]) => `${host} ${reason(inner)}`)
}

function reason(error: unknown): string {
  const { errors } = driver()
  if (error instanceof errors.OperationTimedOutError) return 'did not answer in time'
  if (error instanceof errors.AuthenticationError) return 'refused the user or the password'
  const { code, message = String(error) } = (error ?? {}) as Coded
  return words[String(code)] ?? message
}
