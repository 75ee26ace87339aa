/** A few words about something that went wrong, for a while. */
import { byId } from './dom.ts'

const shownMs = 8_000
let timer: ReturnType<typeof setTimeout> | undefined

export function notice(text: string): void {
  const element = byId('notice')
  element.textContent = text
  element.hidden = false
  clearTimeout(timer)
  timer = setTimeout(() => {
    element.hidden = true
  }, shownMs)
}
