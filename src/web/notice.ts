/** A few words about something that went wrong, for a while. */
import { byId } from './dom.ts'

/** Milliseconds: as long as it takes to notice and read it. */
const shownMs = (text: string): number => 2_500 + 60 * text.length
let timer: ReturnType<typeof setTimeout> | undefined

export function notice(text: string): void {
  const element = byId('notice')
  element.textContent = text
  element.hidden = false
  clearTimeout(timer)
  timer = setTimeout(() => {
    element.hidden = true
  }, shownMs(text))
}
