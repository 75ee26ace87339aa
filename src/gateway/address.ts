/** Which address a client has: that of its socket, or what a proxy says that is trusted with it. */
import { isIP, SocketAddress } from 'node:net'
import { familyOf } from '../embed/proxies.ts'
import type { HttpRequest, HttpResponse } from './uws.ts'

/**
 * The client of a request: what the PROXY protocol (v2) and `x-forwarded-for` say counts as far as those who say it are trusted,
 * and no further: a client writes into that header what it likes, and its proxy appends.
 */
export function clientOf(response: HttpResponse, request: HttpRequest, trusts: (address: string) => boolean): string {
  let client = text(response.getRemoteAddressAsText())
  if (!trusts(client)) return client
  const proxied = text(response.getProxiedRemoteAddressAsText())
  if (proxied !== '') client = canonical(proxied)
  const hops = forwardedFor(request)
  while (trusts(client)) {
    const hop = addressIn(hops.pop() ?? '')
    if (hop === undefined) break
    client = hop
  }
  return client
}

/** All of them: a proxy may append to the header, or add another one. */
function forwardedFor(request: HttpRequest): string[] {
  const values: string[] = []
  request.forEach((name, value) => {
    if (name === 'x-forwarded-for') values.push(value)
  })
  return values.join(',').split(',')
}

/** Some proxies add the port. */
function addressIn(hop: string): string | undefined {
  const [, bracketed, plain] = /^\s*(?:\[([^\]]*)\](?::\d+)?|([^:]*)(?::\d+)?)\s*$/.exec(hop) ?? []
  const address = bracketed ?? plain ?? hop.trim()
  return isIP(address) === 0 ? undefined : canonical(address)
}

const canonical = (address: string): string => new SocketAddress({ address, family: familyOf(address) }).address
const text = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString()
