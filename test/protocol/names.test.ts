/** What people read as a name is what is there: no two users look alike, and no group's name is empty or turns the text round it. */
import { describe, expect, it } from 'vitest'
import { isChange } from '../../src/protocol/group.ts'
import { isGroupId, isId, isUserId } from '../../src/protocol/ids.ts'
import { msgpackCodec } from '../../src/protocol/msgpack.ts'

const invisible = [
  ['a Hangul filler', '\u3164'],
  ['a halfwidth Hangul filler', '\uffa0'],
  ['a braille blank', '\u2800'],
  ['a variation selector', '\ufe0f'],
  ['a supplementary variation selector', '\u{e0100}'],
  ['a combining grapheme joiner', '\u034f'],
  ['a Mongolian vowel separator', '\u180e'],
  ['a zero-width space', '\u200b'],
  ['a soft hyphen', '\u00ad'],
  ['a no-break space', '\u00a0'],
  ['an ideographic space', '\u3000'],
  ['a tag', '\u{e0041}'],
  ['NUL', '\0'],
  ['a right-to-left override', '\u202e'],
  ['a line separator', '\u2028'],
  ['half of a surrogate pair', '\ud800'],
] as const

describe('an id', () => {
  it.each(invisible)('has no place for %s', (_what, char) => {
    for (const id of [char, `alice${char}`, `al${char}ice`]) {
      expect(isId(id, 128)).toBe(false)
      expect(isUserId(id, 128)).toBe(false)
      expect(isGroupId(`#${id}`, 128)).toBe(false)
    }
  })

  it('takes letters of every script, signs, and spaces between them', () => {
    for (const id of ['alice', 'Mary Ann', 'Zoë', 'علي', '山田 太郎', 'नेहा', '김민준', '🦊', 'a@b.example', 'e\u0301'])
      expect(isUserId(id, 128)).toBe(true)
    for (const id of [' alice', 'alice ', ' ', '']) expect(isUserId(id, 128)).toBe(false)
  })
})

describe("a group's name", () => {
  const isName = (name: string) => isChange('create', name, 128) && isChange('rename', name, 128)

  it.each(['\0', '\u202e', '\u2066', '\u2028', '\n', '\u200b', '\ud800'])('has no place for %j', (char) => {
    expect(isName(`Team ${char}`)).toBe(false)
  })

  it('shows something', () => {
    for (const name of ['', ' ', '\u3164', '\u2800\u2800', '\u200d', '\ufe0f', '\u034f', '\u3000\u00a0'])
      expect(isName(name)).toBe(false)
  })

  it('takes emoji that are put together, and letters that are kept apart', () => {
    for (const name of [
      'Family 👨‍👩‍👧 ❤️',
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      'می\u200cخواهم',
      'Team',
      '🇩🇪',
      '1',
    ])
      expect(isName(name)).toBe(true)
    expect(isName('x'.repeat(101))).toBe(false)
  })
})

describe('msgpack', () => {
  const frame = (...text: number[]) => Uint8Array.of(0x92, 5, ...text)

  it.each([
    ['a byte that begins nothing', [0xa1, 0xff]],
    ['a cut character', [0xa2, 0x62, 0xc3]],
    ['a NUL in two bytes', [0xa2, 0xc0, 0x80]],
    ['half of a surrogate pair', [0xa3, 0xed, 0xa0, 0x80]],
    ['the same in a str 8', [0xd9, 2, 0x62, 0xff]],
    ['in a str 16', [0xda, 0, 2, 0x62, 0xff]],
    ['in a str 32', [0xdb, 0, 0, 0, 2, 0x62, 0xff]],
    ['in a map', [0x81, 0xa1, 0xff, 1]],
  ])('with %s for text is refused', (_what, text) => {
    expect(() => msgpackCodec.decode(frame(...text))).toThrow(TypeError)
  })

  it('carries any bytes as bytes, and text of every script', () => {
    expect(msgpackCodec.decode(frame(0xc4, 2, 0xff, 0x80))).toEqual([['watch', Uint8Array.of(0xff, 0x80)]])
    for (const text of ['x'.repeat(70_000), `${'x'.repeat(300)}é`, '山🦊'])
      expect(msgpackCodec.decode(msgpackCodec.encode([['watch', text as never]]))).toEqual([['watch', text]])
  })
})
