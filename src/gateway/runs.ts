/** Where a node runs, and what to do where it does not: uWebSockets.js is built for some releases of Node.js and some systems. */

/** What decides whether it loads. `glibc`: the version of the C library, where Linux has that one. */
export type Place = {
  readonly versions: { readonly [name: string]: string | undefined }
  readonly platform: string
  readonly arch: string
  readonly glibc: string | undefined
}

/** Majors of Node.js that there are builds for. */
const majors = [20, 22, 24, 26]
/** The line for Node 24 and 26 asks for this one. */
const newerGlibc = '2.38'

export const majorOf = ({ node = '' }: Place['versions']): number => Number.parseInt(node, 10)

/** What is wrong here and what to do, in two sentences. */
export function whyNot(place: Place): string {
  const { versions, platform, arch, glibc } = place
  const other = versions['bun'] ? 'Bun' : versions['deno'] ? 'Deno' : undefined
  if (other)
    return `A Bluetick node runs on Node.js, not on ${other}, which cannot load uWebSockets.js. Start it with Node 22; the SDK, bluetick/client, runs on ${other}, too.`
  const major = majorOf(versions)
  if (!majors.includes(major))
    return `Bluetick runs on Node ${majors.slice(0, -1).join(', ')} and ${majors.at(-1)}, not on Node ${versions['node']}. Take Node 22.`
  if (platform === 'linux' && glibc === undefined)
    return 'Bluetick needs glibc, and the C library here is musl, as in Alpine Linux. Take a system with glibc, such as Debian; for Docker the image node:22-bookworm-slim.'
  if (glibc !== undefined && major >= 24 && isOlder(glibc, newerGlibc))
    return `On Node ${major} Bluetick needs glibc ${newerGlibc} or newer (Debian 13, Ubuntu 24.04), and here it is ${glibc}. Take Node 22, or a newer system.`
  return `uWebSockets.js for Node ${major} on ${platform}-${arch} is not installed. Were the packages installed with another Node, or copied from another machine? Remove node_modules, and install them here.`
}

const isOlder = (version: string, than: string): boolean => version.localeCompare(than, 'en', { numeric: true }) < 0

/** This process, told only when it is too late: the report takes some milliseconds. */
export function thisPlace(): Place {
  const { versions, platform, arch, report } = process
  const { header } = (report?.getReport() ?? {}) as { header?: { glibcVersionRuntime?: string } }
  return { versions, platform, arch, glibc: header?.glibcVersionRuntime }
}
