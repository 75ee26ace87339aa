/** Message ids as the embedded store has them. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { MessageId } from '../../src/protocol/ids.ts'
import { idFrom, packedId } from '../../src/store/lmdb/ids.ts'

it('takes a UUID as its 16 bytes, and gives it back', () => {
  for (let n = 0; n < 1_000; n++) {
    const id = randomUUID() as string as MessageId
    const packed = packedId(id)
    expect(packed).toEqual(Buffer.from(id.replaceAll('-', ''), 'hex'))
    expect(idFrom(packed)).toBe(id)
  }
})

const uuid = randomUUID() as string
it.each(
  [
    ['', 'm1', uuid.slice(1), `${uuid}0`, `${uuid.slice(0, -1)}A`, `${uuid.slice(0, -1)}g`, `é${uuid.slice(1)}`],
    [8, 13, 18, 23].map((at) => `${uuid.slice(0, at)}0${uuid.slice(at + 1)}`),
  ].flat(),
)('leaves %j, which is none, as it is', (other) => {
  expect(packedId(other as MessageId)).toBe(other)
  expect(idFrom(other as MessageId)).toBe(other)
})
