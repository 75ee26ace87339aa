/** Which address a client has: that of its socket, or what a proxy says that is trusted with it. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net'
import type { HttpRequest, HttpResponse } from './uws.ts'

/** Proxies by address or network (`10.0.0.0/8`). Throws a RangeError for one that is neither. */
export function trustedProxies(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false
  const list = new BlockList()
  for (const proxy of trusted) {
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(proxy) ?? []
    const family = familyOf(address)
    if (isIP(address) === 0 || Number(bits ?? 0) > (family === 'ipv6' ? 128 : 32))
      throw new RangeError(`trustedProxies: "${proxy}" is neither an address nor a network as 10.0.0.0/8`)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, familyOf(address))
}

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

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
const canonical = (address: string): string => new SocketAddress({ address, family: familyOf(address) }).address
const text = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString()
