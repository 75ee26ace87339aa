/** A form for a code that another screen shows: it is pasted, or read from a picture of it. */
import { make } from '../dom.ts'
import { notice } from '../notice.ts'
import { button, tried } from '../sheet.ts'

/** Where what reads pictures is (build.mjs). */
const reader = '/scan.js'

type Asks = {
  readonly label: string
  readonly placeholder: string
  readonly yes: string
  /** Rejects where it is not as it should be: that is said. */
  readonly act: (code: string) => Promise<void>
}

export function codeForm({ label, placeholder, yes, act }: Asks): HTMLFormElement {
  const field = make('textarea', 'link-code')
  Object.assign(field, { rows: 4, placeholder, required: true, spellcheck: false })
  field.setAttribute('aria-label', label)
  const submit = make('button', 'primary', yes)
  submit.type = 'submit'
  const form = make('form', 'link', ...picture(field, submit), field, submit)
  form.onsubmit = async (event) => {
    event.preventDefault()
    submit.disabled = true
    await act(field.value).catch((error: Error) => notice(error.message))
    submit.disabled = false
  }
  return form
}

/** On a phone it opens the camera. What is read stands in the field, and nothing is done before the person says so. */
function picture(field: HTMLTextAreaElement, submit: HTMLButtonElement): HTMLElement[] {
  const file = make('input', '')
  Object.assign(file, { type: 'file', accept: 'image/*', hidden: true })
  file.setAttribute('capture', 'environment')
  const press = button('Take a picture of the code', () => file.click())
  file.onchange = async () => {
    const [chosen] = file.files ?? []
    if (!chosen) return
    press.disabled = true
    const code = await tried(codeOf(chosen))
    press.disabled = false
    file.value = ''
    if (code === undefined) return
    field.value = code
    submit.focus()
  }
  return [press, file]
}

async function codeOf(picture: Blob): Promise<string> {
  const { codeIn } = (await import(reader)) as typeof import('./scan.ts')
  const code = await codeIn(picture)
  if (code === undefined) throw new Error('There is no code in this picture that can be read. Take one from nearer.')
  return code
}
