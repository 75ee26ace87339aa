/** The field for a message: Enter sends, Shift+Enter makes a new line, and it grows with its text. */
import { byId } from './dom.ts'

/** `changed` is told what stands in the field. Answers how to put something else there, as when another chat is opened. */
export function compose(
  send: (text: string) => Promise<void>,
  typed: (writing: boolean) => void,
  changed: (text: string) => void,
): (draft: string) => void {
  const [form, text] = [byId<HTMLFormElement>('compose'), byId<HTMLTextAreaElement>('text')]
  const button = byId<HTMLButtonElement>('send')
  const grow = () => {
    button.disabled = text.value.trim() === ''
    text.style.height = 'auto'
    // Nothing is measured before the chat is shown: it has the height of a line then.
    if (text.scrollHeight > 0) text.style.height = `${Math.min(text.scrollHeight, 160)}px`
  }
  /** What could not be taken stands in the field again, where nothing else was written meanwhile. */
  const giveBack = (written: string) => {
    if (text.value === '') text.value = written
    changed(text.value)
    grow()
  }
  text.oninput = () => {
    grow()
    typed(text.value !== '')
    changed(text.value)
  }
  text.onkeydown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    form.requestSubmit()
  }
  form.onsubmit = (event) => {
    event.preventDefault()
    const written = text.value.trim()
    text.value = ''
    changed('')
    grow()
    text.focus()
    if (written) send(written).catch(() => giveBack(written))
  }
  grow()
  return (draft) => {
    text.value = draft
    grow()
  }
}
