/** A few words about something that went wrong, for a while: below all else, and in a sheet that is open, so that they lie over nothing. */
import { byId } from './dom.ts'

/** Milliseconds: as long as it takes to notice and read it. */
const shownMs = (text: string): number => 2_500 + 60 * text.length
let element: HTMLElement | undefined
let timer: ReturnType<typeof setTimeout> | undefined

export function notice(text: string): void {
  // A sheet that is drawn anew puts it out of the document.
  element ??= byId('notice')
  const shown = element
  const sheet = document.querySelector('.sheet[open]')
  const parent = sheet ?? document.body
  parent.append(shown)
  sheet?.addEventListener('close', () => document.body.append(shown), { once: true })
  shown.textContent = text
  shown.hidden = false
  shown.scrollIntoView({ block: 'nearest' })
  clearTimeout(timer)
  timer = setTimeout(() => {
    shown.hidden = true
  }, shownMs(text))
}
