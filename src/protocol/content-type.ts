/** What content is, by its first bytes. What a client calls it is never believed: a browser is told this type only. */
import { anyType, type MediaType } from './media.ts'

/** Bytes that `typeOf` looks at. */
export const headBytes = 64

/** ISO media files by their major brand; any other brand is MP4. */
const brands: Record<string, MediaType> = {
  avif: 'image/avif',
  avis: 'image/avif',
  heic: 'image/heic',
  heix: 'image/heic',
  mif1: 'image/heic',
  'qt  ': 'video/quicktime',
}
const signatures: readonly (readonly [RegExp, MediaType])[] = [
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^\x89PNG\r\n\x1a\n/, 'image/png'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF.{4}WEBP/s, 'image/webp'],
  [/^RIFF.{4}WAVE/s, 'audio/wav'],
  [/^\x1a\x45\xdf\xa3.*webm/s, 'video/webm'],
  [/^OggS/, 'audio/ogg'],
  [/^fLaC/, 'audio/flac'],
  [/^ID3|^\xff[\xfb\xfa\xf3\xf2]/, 'audio/mpeg'],
  [/^\xff[\xf1\xf9]/, 'audio/aac'],
]

export function typeOf(head: Uint8Array): MediaType | typeof anyType {
  const text = String.fromCharCode(...head)
  if (text.slice(4, 8) === 'ftyp') return brands[text.slice(8, 12)] ?? 'video/mp4'
  return signatures.find(([signature]) => signature.test(text))?.[1] ?? anyType
}
