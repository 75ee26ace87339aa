/** What is being uploaded: shown at the end of its chat, with how far it is, until the message that carries it is queued. */
import type { Client } from '../client/index.ts'
import { byId, make } from './dom.ts'
import { notice } from './notice.ts'
import { previewOf } from './preview.ts'
import { fileSize } from './words.ts'

export class Uploads {
  readonly #client: Client
  readonly #items = new Map<HTMLElement, string>()
  /** By chat: resolves when the file before the next is sent, or never will be. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(client: Client) {
    this.#client = client
  }

  /** Shows those of a chat that has just been opened. */
  show(chat: string): void {
    const items = [...this.#items].filter(([, of]) => of === chat).map(([item]) => item)
    byId('pending').replaceChildren(...items)
  }

  /** Files are uploaded side by side, and sent in their order. */
  send(chat: string, file: File): void {
    const sending = this.#send(chat, file, this.#last.get(chat))
    this.#last.set(chat, sending)
  }

  async #send(chat: string, file: File, before: Promise<unknown> | undefined): Promise<void> {
    const stop = new AbortController()
    const bar = make('progress', '')
    const cancel = make('button', 'quiet', 'Cancel')
    cancel.type = 'button'
    cancel.onclick = () => stop.abort()
    const item = make('li', 'mine pending', make('span', '', `${file.name} · ${fileSize(file.size)}`), bar, cancel)
    bar.setAttribute('aria-label', `Uploading ${file.name}`)
    this.#items.set(item, chat)
    byId('pending').append(item)
    item.scrollIntoView({ block: 'end' })
    try {
      const preview = await previewOf(file)
      const medium = await this.#client.upload(file, {
        signal: stop.signal,
        onProgress: ({ done, total }) => Object.assign(bar, { max: total, value: done }),
      })
      await before
      stop.signal.throwIfAborted()
      // The name tells what a file is; of a picture it tells nothing.
      const text = /^(image|video|audio)\//.test(medium.type) ? '' : file.name
      await this.#client.queue(chat, text, { media: preview ? { ...medium, preview } : medium })
    } catch (error) {
      if (!stop.signal.aborted) notice(`${file.name} was not sent: ${(error as Error).message}`)
    } finally {
      this.#items.delete(item)
      item.remove()
    }
  }
}

/** Files that the person picks, pastes into the field, or drops on the chat. */
export function onFiles(take: (file: File) => void): void {
  const input = byId<HTMLInputElement>('files')
  const all = (files: FileList | undefined | null) => {
    for (const file of files ?? []) take(file)
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
