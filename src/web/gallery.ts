/** Media in messages: pictures load when they come into view, videos, recordings and files when they are asked for. */
import type { Attachment, Client } from '../client/index.ts'
import { byId, icon, make } from './dom.ts'
import { notice } from './notice.ts'
import { fileSize, lackWords } from './words.ts'

/** Bytes of contents that are kept in memory; of more, those that were not shown for the longest leave. */
const keptBytes = 256 * 1024 * 1024

export class Gallery {
  readonly #client: Client
  readonly #urls = new Map<string, { readonly url: Promise<string>; readonly size: number }>()
  #bytes = 0
  readonly #inView = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) this.#show(target as HTMLImageElement)
  })
  readonly #shown = new WeakMap<Element, Attachment>()

  constructor(client: Client) {
    this.#client = client
    const dialog = byId<HTMLDialogElement>('viewer')
    dialog.onclick = () => dialog.close()
  }

  /** What stands in a message. `name`: of a file; of a picture, what was written with it. */
  element(media: Attachment, name: string): HTMLElement {
    if (media.type.startsWith('image/')) return this.#picture(media, name)
    if (media.type.startsWith('video/') || media.type.startsWith('audio/')) return this.#player(media)
    return this.#file(media, name)
  }

  #picture(media: Attachment, name: string): HTMLElement {
    const image = make('img', 'loading')
    image.alt = name || 'Photo'
    if (media.preview) image.src = this.#previewOf(media)
    const button = make('button', 'media', image)
    button.type = 'button'
    button.title = 'Show larger'
    button.onclick = () => this.#enlarge(image)
    this.#shown.set(image, media)
    this.#inView.observe(image)
    return button
  }

  #show(image: HTMLImageElement): void {
    this.#inView.unobserve(image)
    const media = this.#shown.get(image)
    if (!media) return
    this.#url(media).then(
      (url) => {
        image.onload = () => image.classList.remove('loading')
        // Of a kind that this browser does not know: it can still be had as a file.
        image.onerror = () => image.parentElement?.replaceWith(this.#file(media, image.alt))
        image.src = url
      },
      (error) => {
        image.classList.add('lost')
        image.after(make('span', 'play', lackWords(error)))
      },
    )
  }

  #enlarge(image: HTMLImageElement): void {
    const large = make('img', '')
    Object.assign(large, { src: image.src, alt: image.alt })
    const dialog = byId<HTMLDialogElement>('viewer')
    // A press anywhere closes it; the button says so.
    const close = make('button', 'icon close', icon('M6 6l12 12M18 6L6 18'))
    close.setAttribute('aria-label', 'Close')
    dialog.replaceChildren(large, close)
    dialog.showModal()
  }

  #player(media: Attachment): HTMLElement {
    const isVideo = media.type.startsWith('video/')
    const label = make('span', 'play', `${isVideo ? 'Play video' : 'Play recording'} · ${fileSize(media.size)}`)
    const button = make('button', isVideo ? 'media video' : 'media audio', label)
    button.type = 'button'
    if (media.preview) {
      const image = make('img', 'loading')
      Object.assign(image, { src: this.#previewOf(media), alt: '' })
      button.prepend(image)
    }
    button.onclick = () =>
      this.#asked(button, media, (url) => {
        const player = make(isVideo ? 'video' : 'audio', 'media')
        Object.assign(player, { src: url, controls: true, autoplay: true })
        button.replaceWith(player)
      })
    return button
  }

  #file(media: Attachment, name: string): HTMLElement {
    const button = make(
      'button',
      'media file',
      make('strong', '', name || 'File'),
      make('span', '', fileSize(media.size)),
    )
    button.type = 'button'
    button.title = 'Save'
    button.onclick = () =>
      this.#asked(button, media, (url) => Object.assign(make('a', ''), { href: url, download: name || 'file' }).click())
    return button
  }

  #asked(button: HTMLButtonElement, media: Attachment, then: (url: string) => void): void {
    button.disabled = true
    this.#url(media)
      .then(then, (error) => notice(lackWords(error)))
      .finally(() => {
        button.disabled = false
      })
  }

  #previewOf({ preview }: Attachment): string {
    const blob = new Blob([preview as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' })
    return URL.createObjectURL(blob)
  }

  /** An address within this page for the content, which is fetched once. */
  #url({ id, size }: Attachment): Promise<string> {
    const url = this.#urls.get(id)?.url ?? this.#client.download(id).then((blob) => URL.createObjectURL(blob))
    this.#forget(id)
    this.#urls.set(id, { url, size })
    this.#bytes += size
    url.catch(() => this.#forget(id))
    for (const [oldest, { url }] of this.#urls) {
      if (this.#bytes <= keptBytes || oldest === id) break
      this.#forget(oldest)
      void url.then((url) => URL.revokeObjectURL(url))
    }
    return url
  }

  #forget(id: string): void {
    this.#bytes -= this.#urls.get(id)?.size ?? 0
    this.#urls.delete(id)
  }
}
