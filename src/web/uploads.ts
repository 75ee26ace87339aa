/** Files on their way: shown at the end of their chat, with how far they are, until the message that carries one is queued. */
import type { Client } from '../client/index.ts'
import { uuidv7 } from '../client/uuid.ts'
import { byId, make, tick } from './dom.ts'
import { notice } from './notice.ts'
import { previewOf } from './preview.ts'
import { fileText, isShown, shortened } from './telling.ts'
import type { Waiting, WaitingFiles } from './waiting.ts'
import { fileSize } from './words.ts'

export class Uploads {
  readonly #client: Client
  readonly #files: WaitingFiles
  readonly #items = new Map<HTMLElement, string>()
  /** By chat: resolves when the file before the next is sent, or never will be. */
  readonly #last = new Map<string, Promise<unknown>>()
  #open = ''

  constructor(client: Client, files: WaitingFiles) {
    this.#client = client
    this.#files = files
    client.on('connection', () => this.#showConnection())
    this.#showConnection()
  }

  /** Whether they are on their way, or wait until they can be. */
  #showConnection(): void {
    byId('pending').classList.toggle('waits', this.#client.connection.is !== 'online')
  }

  /** Takes up what an earlier run could not send. */
  async resume(): Promise<void> {
    for (const waiting of await this.#files.all()) this.#begin(waiting)
  }

  /** How many files wait. */
  get count(): number {
    return this.#items.size
  }

  /** Shows those of the chat that is open. */
  show(chat: string): void {
    this.#open = chat
    const items = [...this.#items].filter(([, of]) => of === chat).map(([item]) => item)
    byId('pending').replaceChildren(...items)
  }

  /** Resolves when the file is safe in this browser: from here on it will be sent. */
  async send(chat: string, file: File, caption: string): Promise<void> {
    const waiting = { id: uuidv7(), chat, file, caption }
    try {
      await this.#files.put(waiting)
    } catch (error) {
      return notice(`${file.name} was not sent, since this browser has no room for it: ${(error as Error).message}`)
    }
    this.#begin(waiting)
  }

  /** Files are uploaded side by side, and sent in their order. */
  #begin(waiting: Waiting): void {
    const { chat } = waiting
    this.#last.set(chat, this.#send(waiting, this.#last.get(chat)))
  }

  async #send(waiting: Waiting, before: Promise<unknown> | undefined): Promise<void> {
    const { id, chat, file, caption } = waiting
    const stop = new AbortController()
    const { item, bar } = itemOf(waiting, () => stop.abort())
    this.#items.set(item, chat)
    if (chat === this.#open) byId('pending').append(item)
    item.scrollIntoView({ block: 'end' })
    try {
      const preview = await previewOf(file)
      const medium = await this.#client.upload(file, {
        to: chat,
        signal: stop.signal,
        onProgress: ({ done, total }) => Object.assign(bar, { max: total, value: done }),
      })
      await before
      stop.signal.throwIfAborted()
      // Only its bytes tell what it is.
      const text = isShown(medium.type) ? caption : fileText(file.name, caption)
      await this.#client.queue(chat, text, { id, media: preview ? { ...medium, preview } : medium })
      await this.#files.delete(id)
    } catch (error) {
      // When the client has ended, it goes on waiting.
      if (this.#client.connection.is === 'closed') return
      await this.#files.delete(id).catch(() => undefined)
      if (!stop.signal.aborted) notice(`${file.name} was not sent: ${(error as Error).message}`)
    } finally {
      this.#items.delete(item)
      item.remove()
    }
  }
}

function itemOf({ file, caption }: Waiting, takeBack: () => void) {
  const bar = make('progress', '')
  bar.setAttribute('aria-label', `Sending ${file.name}`)
  const cancel = make('button', 'quiet', 'Cancel')
  cancel.type = 'button'
  cancel.onclick = takeBack
  const picture = pictureOf(file)
  const words = make('span', 'text', caption ? shortened(caption) : `${file.name} · ${fileSize(file.size)}`)
  const waits = make('span', 'meta', 'Waiting for connection', tick('queued'))
  return { bar, item: make('li', 'mine pending', ...(picture ? [picture] : []), words, bar, waits, cancel) }
}

/** What is seen of a picture before it is sent; undefined where it is none. */
export function pictureOf(file: File): HTMLElement | undefined {
  if (!file.type.startsWith('image/')) return undefined
  const image = make('img', 'thumb')
  image.alt = ''
  image.src = URL.createObjectURL(file)
  // Of a kind that this browser does not know there is only the name.
  image.onerror = () => image.remove()
  return image
}
