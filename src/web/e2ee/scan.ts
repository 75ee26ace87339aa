/** Finds the QR code in a picture. A file of its own, which is loaded when somebody scans one (131 KB before it is minified). */
import decodeQR from 'qr/decode.js'

/** Pixels of the longer side: what cameras make is larger, and takes longer. */
const most = 1_600
/** Milliseconds for one that is hard to find. */
const patientMs = 2_000

/** Its text; undefined: there is none that can be read, or it is no picture. */
export async function codeIn(picture: Blob): Promise<string | undefined> {
  try {
    const bitmap = await createImageBitmap(picture)
    const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height))
    const [width, height] = [Math.round(bitmap.width * scale), Math.round(bitmap.height * scale)]
    const context = new OffscreenCanvas(width, height).getContext('2d')
    context?.drawImage(bitmap, 0, 0, width, height)
    const image = context?.getImageData(0, 0, width, height)
    return image && decodeQR(image, { timeLimit: patientMs })
  } catch {
    return undefined
  }
}
