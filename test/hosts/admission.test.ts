/** Whether a send may be delivered: what the program says, and whether its media is here. */
import { expect, it } from 'vitest'
import type { Allow } from '../../src/embed/authenticate.ts'
import { late } from '../../src/embed/deadline.ts'
import { admission } from '../../src/hosts/sessions/admission.ts'
import type { NodeMedia } from '../../src/media/media.ts'
import type { ErrorCode } from '../../src/protocol/codes.ts'
import type { MediaRef } from '../../src/protocol/ids.ts'
import { id, user } from './byhand.ts'

const picture: MediaRef = { media: 'a'.repeat(64), type: 'image/png', size: 5 }

/** What is said of a send with a picture, and for which messages the picture was kept. */
async function ask(allow: Allow | undefined, found?: ErrorCode, carried: MediaRef | null = picture) {
  const kept: string[] = []
  const attach = async (_: MediaRef, from: string) => {
    kept.push(from)
    return found
  }
  const admit = admission(allow, { attach } as unknown as NodeMedia)
  const code = await admit(user('ann'), ['send', id(1), user('ben'), 'hi', false, carried])?.()
  return { code, kept }
}

it('a send goes without a question where nobody decides and it carries nothing', () => {
  const admit = admission(undefined, undefined)
  expect(admit(user('ann'), ['send', id(1), user('ben'), 'hi', false])).toBe(undefined)
})

it('the program is told what is sent, by whom, to whom, and what it changes', async () => {
  const told: unknown[] = []
  const admit = admission((message) => told.push(message) > 0, undefined)
  await admit(user('ann'), ['send', id(1), user('ben'), 'hi', true])?.()
  await admit(user('ann'), ['send', id(2), user('#team'), 'Tea', false, null, 'rename'])?.()
  expect(told).toEqual([
    { id: id(1), from: 'ann', to: 'ben', body: 'hi' },
    { id: id(2), from: 'ann', to: '#team', body: 'Tea', change: 'rename' },
  ])
})

it('what the program refuses is refused, and keeps no media', async () => {
  expect(await ask(() => false)).toEqual({ code: 'refused', kept: [] })
  expect(await ask(async () => false)).toEqual({ code: 'refused', kept: [] })
  expect(await ask(() => true)).toEqual({ code: undefined, kept: ['ann'] })
})

it('a program that fails refuses; one that is late lets the send come again', async () => {
  const fails = (error: Error) => () => Promise.reject(error)
  expect(await ask(fails(new Error('a bug')))).toEqual({ code: 'refused', kept: [] })
  expect(await ask(fails(late))).toEqual({ code: 'busy', kept: [] })
})

it('media that is not here does not go, whoever allows it; a node without media takes none', async () => {
  for (const allow of [undefined, () => true]) {
    expect(await ask(allow, 'unknown_media')).toEqual({ code: 'unknown_media', kept: ['ann'] })
    const bare = admission(allow, undefined)
    expect(await bare(user('ann'), ['send', id(1), user('ben'), '', false, picture])?.()).toBe('unknown_media')
  }
})
