/** Files that the person picks, pastes or drops: shown before they are sent, with a caption. */
import { byId, make } from './dom.ts'
import { button, closeSheet, openSheet } from './sheet.ts'
import { pictureOf } from './uploads.ts'
import { fileSize } from './words.ts'

export function onFiles(send: (file: File, caption: string) => Promise<void>): void {
  const input = byId<HTMLInputElement>('files')
  const all = (files: FileList | undefined | null) => {
    if (files?.length) preview([...files], send)
  }
  byId('attach').onclick = () => input.click()
  input.onchange = () => {
    all(input.files)
    input.value = ''
  }
  byId('text').onpaste = (event) => {
    if (event.clipboardData?.files.length) event.preventDefault()
    all(event.clipboardData?.files)
  }
  const talk = byId('talk')
  talk.ondragover = (event) => event.preventDefault()
  talk.ondrop = (event) => {
    event.preventDefault()
    all(event.dataTransfer?.files)
  }
}

function preview(files: readonly File[], send: (file: File, caption: string) => Promise<void>): void {
  const caption = make('input', '')
  Object.assign(caption, { placeholder: 'Add a caption', autocomplete: 'off', maxLength: 1_000 })
  caption.setAttribute('aria-label', 'Caption')
  const submit = make('button', 'primary', 'Send')
  submit.type = 'submit'
  const form = make('form', 'attach', caption)
  form.append(make('div', 'answers', button('Cancel', closeSheet), submit))
  form.onsubmit = async (event) => {
    event.preventDefault()
    closeSheet()
    // One after the other: they are sent in this order, and the first carries the words.
    for (const [n, file] of files.entries()) await send(file, n === 0 ? caption.value.trim() : '')
    byId('text').focus()
  }
  const title = files.length === 1 ? `Send ${kindOf(files[0]?.type ?? '')}` : `Send ${files.length} files`
  openSheet(title, ...files.slice(0, 6).map(shown), form)
  caption.focus()
}

const kindOf = (type: string): string =>
  ({ image: 'photo', video: 'video', audio: 'audio' })[type.split('/')[0] ?? ''] ?? 'file'

const shown = (file: File): HTMLElement =>
  make(
    'figure',
    '',
    ...[pictureOf(file)].filter((picture) => picture !== undefined),
    make('figcaption', 'words', `${file.name} · ${fileSize(file.size)}`),
  )
