import { describe, expect, it } from 'vitest'
import type { Frame, ServerFrame } from '../../src/protocol/frames.ts'
import type { Place } from '../../src/protocol/group.ts'
import type { GroupId, MessageId, UserId } from '../../src/protocol/ids.ts'
import { jsonCodec } from '../../src/protocol/json.ts'
import { completeLimits } from '../../src/protocol/limits.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'
import { parseClientFrame } from '../../src/protocol/parse.ts'
import { isSetting } from '../../src/protocol/settings.ts'
import { share } from '../../src/protocol/shared.ts'

const limits = completeLimits()
const id = '01890a5d-ac96-774b-bcce-b302099a8057'
const media = { media: 'a'.repeat(64), type: 'image/png', size: 5, preview: Uint8Array.of(1, 2, 255) }

describe.each([jsonCodec, msgpackCodec])('$subprotocol', (codec) => {
  const carried = (frames: readonly Frame[]) => {
    const wire = codec.encode(frames)
    return codec.decode(typeof wire === 'string' ? wire : Uint8Array.from(wire))
  }
  const sent = (...frame: unknown[]) => parseClientFrame(carried([frame as never])[0], limits)

  it('carries text, bytes and media as they are', () => {
    for (const body of ['héllo ✓', Uint8Array.of(0, 128, 255)]) {
      expect(sent('send', id, 'bob', body, false)).toEqual(['send', id, 'bob', body, false])
      expect(sent('send', id, 'bob', body, true, media)).toEqual(['send', id, 'bob', body, true, media])
    }
    const { preview: _, ...plain } = media
    expect(sent('send', id, 'bob', '', false, plain)).toEqual(['send', id, 'bob', '', false, plain])
  })

  it('carries any number of frames in one message', () => {
    for (const count of [1, 15, 16, 300]) {
      const frames = Array.from({ length: count }, (_, n) => ['ping', n] as const)
      expect(carried(frames)).toEqual(frames)
    }
  })

  it('gives every member of a group the frame that it would get alone', () => {
    const place = { group: '#team' as GroupId, epoch: 7, at: 3 }
    const frame = (seq: number, time: number, place: Place): ServerFrame => [
      'message',
      seq,
      id as MessageId,
      'bob' as UserId,
      time,
      Uint8Array.of(1, 2, 255),
      null,
      place,
    ]
    const places = [place, share({ ...place }), share({ ...place, at: 4 })]
    const frames = places.flatMap((place) => [frame(1, 5, place), frame(70_000, 5, place), frame(2 ** 33, 6, place)])
    for (const one of [...frames, ...frames]) expect(carried([one])).toEqual([one])
    const mixed = [['ping', 1] as const, ...frames, ['live', 9] as const, ...frames]
    expect(carried(mixed)).toEqual(mixed)
  })

  it('refuses media that is not of that shape', () => {
    for (const wrong of [
      { ...media, media: 'A'.repeat(64) },
      { ...media, type: 'image' },
      { ...media, size: -1 },
      { ...media, preview: new Uint8Array(4_097) },
      { ...media, preview: 'text' },
      { ...media, more: 1 },
      'text',
    ])
      expect(sent('send', id, 'bob', '', false, wrong)).toMatchObject({ bad: 'bad_frame' })
  })

  it('carries changes of settings, and refuses those that cannot be', () => {
    for (const change of [
      ['lastSeen', 'contacts', true],
      ['writers', 'nobody', true],
      ['receipts', false, true],
      ['blocked', 'bob', false],
      ['contacts', 'bob', true],
      ['tags', '#team', 'muted=1764547200000'],
      ['tags', 'bob', 'name=Mum ❤ = mum'],
      ['tags', 'bob', 'pinned='],
    ])
      expect(sent('set', 'r', ...change)).toEqual(['set', 'r', ...change])
    expect(sent('set', 'r', 'blocked', 'bob')).toEqual(['set', 'r', 'blocked', 'bob', true])
    for (const wrong of [
      ['lastSeen', 'friends', true],
      ['lastSeen', 'nobody', false],
      ['receipts', 'no', true],
      ['blocked', '#team', true],
      ['contacts', 'bob', 1],
      ['constructor', 'bob', true],
      ['tags', '#', 'muted=1'],
      ['tags', 'bob', true],
      ['tags', 'bob', 'muted'],
      ['tags', 'bob', '=1'],
      ['tags', 'bob', 'Muted=1'],
      ['tags', 'bob', 'muted=1\tpinned=1'],
      ['tags', 'bob', 'muted=1\n'],
      ['tags', 'bob', `name=${'x'.repeat(65)}`],
    ])
      expect(sent('set', 'r', ...wrong)).toEqual({ bad: 'bad_frame', kind: 'set', ref: 'r' })
    expect(isSetting(['tags', 'bob', 'name=\ud83d'], 128), 'half of a character').toBe(false)
    expect(sent('set', '', 'receipts', true)).toEqual({ bad: 'bad_frame', kind: 'set', ref: null })
    expect(sent('ask', 'settings')).toEqual(['ask', 'settings'])
    expect(sent('ask', 'devices')).toEqual(['ask', 'devices'])
    expect(sent('remove', 'old phone')).toEqual(['remove', 'old phone'])
    expect(sent('remove', ' ')).toMatchObject({ bad: 'bad_id' })
    expect(sent('ask', 'anything')).toMatchObject({ bad: 'bad_frame' })
  })

  it('carries typing', () => {
    for (const what of [0, 1, 2]) expect(sent('typing', 'bob', what)).toEqual(['typing', 'bob', what])
    expect(sent('typing', 'bob', 3)).toMatchObject({ bad: 'bad_frame' })
    expect(sent('typing', '', 1)).toMatchObject({ bad: 'bad_id' })
  })

  it('carries what is to be watched, deleted, and read back', () => {
    for (const chat of ['bob', '#team']) {
      expect(sent('watch', chat)).toEqual(['watch', chat])
      expect(sent('delete', chat, 1, Number.MAX_SAFE_INTEGER)).toEqual(['delete', chat, 1, Number.MAX_SAFE_INTEGER])
      expect(sent('history', 'r', chat, 0, 0, 100)).toEqual(['history', 'r', chat, 0, 0, 100])
    }
    for (const span of [[0, 5], [6, 5], [1], ['1', 2]])
      expect(sent('delete', 'bob', ...span)).toMatchObject({ bad: 'bad_frame' })
    for (const wrong of [
      [0, 0, 0],
      [0, 0, 101],
      [0, 4, 5],
      [4, 0, 5],
      [4, 4],
    ])
      expect(sent('history', 'r', 'bob', ...wrong)).toMatchObject({ bad: 'bad_frame' })
    expect(sent('delete', '', 1, 2)).toMatchObject({ bad: 'bad_id' })
  })

  it('carries a change of the lifetime between two users, and no other change', () => {
    const change = (...rest: unknown[]) => sent('send', id, 'bob', ...rest)
    for (const lifetime of ['default', 'permanent', 'temporary', 'delivered 1000', 'read 7776000000'])
      expect(change(lifetime, false, null, 'lifetime')).toEqual(['send', id, 'bob', lifetime, false, null, 'lifetime'])
    for (const wrong of ['', 'read', 'read 999', 'read 7776000001', 'delivered 01000', 'read 1e6', 'for ever'])
      expect(change(wrong, false, null, 'lifetime')).toMatchObject({ bad: 'bad_frame' })
    expect(change('bob', false, null, 'rename')).toMatchObject({ bad: 'bad_frame' })
    expect(change(new Uint8Array([1]), false, null, 'lifetime')).toMatchObject({ bad: 'bad_frame' })
  })

  it('keeps the names that begin with # from users', () => {
    expect(sent('set', 'r', 'contacts', '#team')).toMatchObject({ bad: 'bad_frame' })
  })
})
