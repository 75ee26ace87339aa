/** Which proxies are trusted to tell the addresses of clients. */
import { BlockList, isIP, isIPv6 } from 'node:net'

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

export const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
