/** A small picture of a picture or a video, for a message to carry: shown at once, until the whole is there. */
import { previewBytes } from '../protocol/ids.ts'

/** Longer side in pixels, and quality; smaller ones are tried while the picture is too large to be carried. */
const sizes = [
  [72, 0.6],
  [48, 0.5],
  [24, 0.4],
] as const

/** undefined of what this browser cannot show. */
export async function previewOf(file: Blob): Promise<Uint8Array | undefined> {
  try {
    if (file.type.startsWith('image/')) return await drawn(await createImageBitmap(file))
    if (file.type.startsWith('video/')) return await frameOf(file)
  } catch {
    // It goes without a preview.
  }
  return undefined
}

async function drawn(source: ImageBitmap | HTMLVideoElement): Promise<Uint8Array | undefined> {
  const [width, height] =
    'videoWidth' in source ? [source.videoWidth, source.videoHeight] : [source.width, source.height]
  for (const [side, quality] of sizes) {
    const scale = Math.min(1, side / Math.max(width, height))
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)))
    const context = canvas.getContext('2d')
    // JPEG knows no transparency.
    if (context) context.fillStyle = '#fff'
    context?.fillRect(0, 0, canvas.width, canvas.height)
    context?.drawImage(source, 0, 0, canvas.width, canvas.height)
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality })
    if (blob.size <= previewBytes) return new Uint8Array(await blob.arrayBuffer())
  }
  return undefined
}

/** The picture a moment after the beginning, which is often black. */
async function frameOf(file: Blob): Promise<Uint8Array | undefined> {
  const video = document.createElement('video')
  const url = URL.createObjectURL(file)
  try {
    await new Promise((resolve, reject) => {
      video.onloadeddata = resolve
      video.onerror = reject
      Object.assign(video, { src: url, muted: true })
    })
    const shown = new Promise((resolve) => {
      video.onseeked = resolve
    })
    video.currentTime = Math.min(0.5, video.duration / 2 || 0)
    await shown
    return await drawn(video)
  } finally {
    URL.revokeObjectURL(url)
  }
}
