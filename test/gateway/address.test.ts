/** Whose address counts, where several proxies stand between. */
import { expect, it } from 'vitest'
import { trustedProxies } from '../../src/embed/proxies.ts'
import { clientOf } from '../../src/gateway/address.ts'
import type { HttpRequest, HttpResponse } from '../../src/gateway/uws.ts'

const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer
function client(peer: string, proxied: string, ...forwarded: string[]): string {
  const response = {
    getRemoteAddressAsText: () => bytes(peer),
    getProxiedRemoteAddressAsText: () => bytes(proxied),
  } as HttpResponse
  const request = {
    forEach: (each: (name: string, value: string) => void) => {
      each('host', 'chat.example')
      for (const value of forwarded) each('x-forwarded-for', value)
    },
  } as HttpRequest
  return clientOf(response, request, trustedProxies(['127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48']))
}

it.each([
  ['nothing is said', ['127.0.0.1', ''], '127.0.0.1'],
  ['the last entry, of a proxy that is trusted', ['127.0.0.1', '', '6.6.6.6, 198.51.100.7'], '198.51.100.7'],
  ['the last header, of several', ['127.0.0.1', '', '6.6.6.6', '198.51.100.7'], '198.51.100.7'],
  ['as far back as all are trusted', ['127.0.0.1', '', '6.6.6.6, 198.51.100.7, 10.1.1.1, 10.2.2.2'], '198.51.100.7'],
  ['the first, where all are', ['127.0.0.1', '', '10.1.1.1, 10.2.2.2'], '10.1.1.1'],
  ['what the PROXY protocol says', ['10.0.0.1', '198.51.100.7', '6.6.6.6'], '198.51.100.7'],
  ['what comes behind it, where that is trusted', ['127.0.0.1', '10.3.3.3', '6.6.6.6, 198.51.100.7'], '198.51.100.7'],
  ['nothing of a stranger', ['192.0.2.1', '198.51.100.7', '6.6.6.6'], '192.0.2.1'],
  ['the address without its port', ['127.0.0.1', '', '198.51.100.7:4711'], '198.51.100.7'],
  ['IPv6 with a port', ['127.0.0.1', '', '[2001:db8::7]:4711'], '2001:db8::7'],
  ['IPv6 without one', ['2001:0db8:0001:0000:0000:0000:0000:0001', '', '2001:0db8::0007'], '2001:db8::7'],
  ['IPv4 that came by IPv6', ['0000:0000:0000:0000:0000:ffff:7f00:0001', '', '198.51.100.7'], '198.51.100.7'],
  ['no words', ['127.0.0.1', '', '198.51.100.7, unknown'], '127.0.0.1'],
  ['no gap', ['127.0.0.1', '', '198.51.100.7,,'], '127.0.0.1'],
  ['no zone that would be another', ['127.0.0.1', '', 'fe80::1%eth0'], 'fe80::1'],
] as const)('%s', (_what, [peer, proxied, ...forwarded], address) => {
  expect(client(peer, proxied, ...forwarded)).toBe(address)
})
