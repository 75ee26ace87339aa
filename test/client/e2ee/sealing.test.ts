/** What leaves instead of a message that is too large, or carries something. */
import { expect, it } from 'vitest'
import type { Engine } from '../../../src/client/e2ee/engine.ts'
import * as media from '../../../src/client/e2ee/in-media.ts'
import { sealedSend } from '../../../src/client/e2ee/sealing.ts'
import { MediaError } from '../../../src/client/errors.ts'
import type { SendFrame } from '../../../src/protocol/frames.ts'
import type { MessageId, UserId } from '../../../src/protocol/ids.ts'

const [id, bob] = ['01890a5d-ac96-774b-bcce-b302099a8057' as MessageId, 'bob' as UserId]
/** As far as a send needs one; what is uploaded fails so. */
const engineWith = (why: Error): Engine =>
  ({
    user: 'alice',
    sealed: new Map(),
    random: (length: number) => new Uint8Array(length),
    later: { media: async () => media },
    http: { persist: () => Promise.reject(why) },
    alone: (task: () => Promise<unknown>) => task(),
    changed: () => {},
    keepSealed: () => [],
    repairs: { log: () => [] },
    vault: { flush: async () => {} },
  }) as unknown as Engine
/** It is `length` bytes when it is sealed. */
const sends = (engine: Engine, frame: SendFrame, length: number) =>
  sealedSend(engine, frame, () => ({
    ns: {},
    stamp: '',
    prepare: async () => {},
    seal: () => new Uint8Array(length),
  }))
const broken = new Error('nothing is to be uploaded')

it('what opens media does not leave in an id that is not as this device reads it', async () => {
  const name = `${'ab'.repeat(32)}#AQ${'x'.repeat(42)}.9.image/svg xml`
  const frame: SendFrame = ['send', id, bob, 'look', false, { media: name, type: 'image/png', size: 9 }]
  await expect(sends(engineWith(broken), frame, 100)).rejects.toMatchObject({ code: 'not_sealed' })
})

it('a body that nobody would read is not uploaded; and where an upload may succeed later, the message is not refused', async () => {
  const long = (length: number): SendFrame => ['send', id, bob, 'x'.repeat(length), false]
  const most = 1024 * 1024
  await expect(sends(engineWith(broken), long(most + 1), most)).rejects.toMatchObject({ code: 'too_large' })
  const never = new MediaError('bad_request', 0)
  await expect(sends(engineWith(never), long(most), most)).rejects.toMatchObject({ code: 'too_large' })
  const later = new MediaError('over_quota', 60_000)
  await expect(sends(engineWith(later), long(most), most)).rejects.toMatchObject({ code: 'busy' })
})
