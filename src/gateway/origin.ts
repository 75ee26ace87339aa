/** Where a request comes from: which page, and which machine. */
import type { Request } from './http.ts'

/** Whether a page's origin is this node itself, under a loopback name: a name that merely resolves here is another site's. */
export const sameLoopback = (origin: string, host: string): boolean => origin === `http://${host}` && isLoopback(host)

/** Whether a Host header is a name of the loopback. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)

/**
 * Whether a request is made on this machine, as far as it says. A proxy here that adds no header cannot be told from that: what
 * is open to the loopback is open to whoever comes through it. So only a node that asks nobody for a token takes this for leave.
 */
export function isFromHere({ address, header }: Pick<Request, 'address' | 'header'>): boolean {
  const local = /^127\.|^::1$|^(0000:){7}0001$|^0000:0000:0000:0000:0000:ffff:7f/.test(address)
  return local && isLoopback(header('host')) && forwarding.every((name) => header(name) === '')
}

/** Headers that a proxy adds, if it adds any. */
const forwarding = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'forwarded', 'via']
