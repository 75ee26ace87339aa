/** What the options of a node in a cluster say of what cannot be. */
import { expect, it } from 'vitest'
import { memberOptions, memberTable } from '../../src/cli/member.ts'

const none = Object.fromEntries(Object.entries(memberTable).map(([name, option]) => [name, option.default]))
const of = (values: Record<string, string>) =>
  memberOptions({ ...none, store: 'cassandra', data: 'data', ...values } as Parameters<typeof memberOptions>[0])

it.each([
  ['a name on the embedded store', { store: 'lmdb', 'node-name': 'n1' }, '--node-name needs --store cassandra'],
  [
    'a port for links without a name',
    { 'link-port': '7800' },
    '--link-port is for a node in a cluster: give it a name',
  ],
  ['a secret without a name', { 'cluster-secret-file': 'secret' }, '--cluster-secret-file is for a node in a cluster'],
  [
    'half of TLS',
    { 'node-name': 'n1', 'link-ca-file': 'ca.pem' },
    '--link-ca-file, --link-cert-file and --link-key-file go',
  ],
])('%s is refused', async (_, values, text) => {
  await expect(of(values)).rejects.toThrow(text)
})

it('without any of them a node is alone', async () => {
  expect(await of({ store: 'lmdb' })).toBeUndefined()
})
