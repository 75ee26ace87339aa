/** What goes over HTTP, beside the session. */
import type { HttpLink } from './http-link.ts'
import type { WaitOptions } from './waiting.ts'

/** Content that a node keeps, and that messages may refer to. */
export type Medium = {
  /**
   * The SHA-256 of the content, in hexadecimal. Where it is sealed: of what the node has, and behind a `#` what opens it, which whoever has it can
   * do: it is for sealed messages and `download`, and for no log.
   */
  readonly id: string
  /** Bytes. */
  readonly size: number
  /** What the content is, by its first bytes; `application/octet-stream` where a browser should not show it. */
  readonly type: string
}

/** Given up, the transfer ends. */
export type TransferOptions = WaitOptions & {
  /** Of an upload: the chat that it is for. With `e2ee`, where some messages go in plain text: it is sealed unless those to this chat do. Default: it is. */
  readonly to?: string | undefined
  /** Told as bytes get through: `done` of `total` have. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

/** How it is done, in two functions; end-to-end encryption has its own. */
export interface Transfers {
  upload(link: HttpLink, content: Blob | Uint8Array<ArrayBuffer>, options: TransferOptions): Promise<Medium>
  download(link: HttpLink, id: string, options: TransferOptions): Promise<Blob>
}
