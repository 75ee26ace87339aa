/** A bar with rate and time left, on a terminal; elsewhere a line at the start of each step. */
export type Progress = {
  /** Starts a step; call what it returns with how much is done, of how much. */
  step(name: string): (done: number, of: number) => void
  end(): void
}

const width = 30

export function startProgress(title: string, out: NodeJS.WriteStream = process.stderr): Progress {
  return {
    step(name) {
      const started = performance.now()
      const label = `${title}: ${name}`
      if (!out.isTTY) {
        out.write(`${label} ...\n`)
        return () => {}
      }
      return (done, of) => {
        const elapsed = (performance.now() - started) / 1_000
        const share = Math.min(1, done / of)
        const left = share > 0 ? Math.ceil((elapsed / share) * (1 - share)) : 0
        const bar = '='.repeat(Math.round(share * width)).padEnd(width)
        const rate = `${Math.round(done / Math.max(elapsed, 0.001)).toLocaleString('en')}/s`
        out.write(`\r\x1b[K${label} [${bar}] ${Math.floor(share * 100)} % ${rate}, ${left} s left`)
      }
    },
    end() {
      if (out.isTTY) out.write('\r\x1b[K')
    },
  }
}
