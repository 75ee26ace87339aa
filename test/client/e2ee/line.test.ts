/** Questions of end-to-end encryption on a connection that ends. */
import { expect, it } from 'vitest'
import { Line } from '../../../src/client/e2ee/line.ts'
import type { UserId } from '../../../src/protocol/ids.ts'

it('what waits for an answer when the connection is lost says so, and what is asked after it', async () => {
  const line = new Line(() => {})
  const asked = line.ask(['chain', 'bob' as UserId, 1])
  line.lost()
  await expect(asked).rejects.toThrow('the connection was lost before the server had answered; try again')
  await expect(line.ask(['chain', 'bob' as UserId, 1])).rejects.toThrow('the connection was lost')
})
