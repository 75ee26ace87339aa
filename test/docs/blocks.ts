import { readFileSync } from 'node:fs'

/** A fenced block of a Markdown file. `line` is that of its first line of code. */
export type Block = { readonly file: string; readonly language: string; readonly line: number; readonly code: string }

export function blocks(file: string): Block[] {
  const found: Block[] = []
  let open: { language: string; line: number; code: string[] } | undefined
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)/.exec(text)
    if (!fence) open?.code.push(text)
    else if (!open) open = { language: fence[1] ?? '', line: index + 2, code: [] }
    else {
      found.push({ file, ...open, code: open.code.join('\n') })
      open = undefined
    }
  }
  return found
}
