/** A log that becomes another node's while an append of it waits. */
import { expect, it } from 'vitest'
import { Logs } from '../../src/hosts/logs/logs.ts'
import type { UserId } from '../../src/protocol/ids.ts'

it('what waited to be appended is not, and harms nobody else', async () => {
  const bob = 'bob' as UserId
  const told: unknown[] = []
  const faults: unknown[] = []
  const spells = [{ term: 1, heed: (pass: () => void) => pass() }]
  const spellOf = () => {
    const spell = spells.pop()
    if (spell) return spell
    throw new Error('Another node has bob.')
  }
  const onFault = ({ error }: { error: unknown }) => void faults.push((error as Error).message)
  const context = { spellOf, onFault, runtime: { wheel: { after: () => {} } } } as never
  const logs = new Logs<never, never>(context, { peek: () => 1, tell: (_, message) => void told.push(message) })
  const entry = { is: 'message', seq: 4, time: 1, id: 'm', from: 'ann', body: 'hi' }
  logs.perform(bob, [{ do: 'append', epoch: 7, entries: [entry] } as never], () => {})
  await expect.poll(() => told).toEqual([{ is: 'unappended', first: 4, last: 4 }])
  expect(faults).toEqual(['Another node has bob.'])
})
