/** A bucket of an S3 service: Amazon's, or one of the many that speak the same. The one file that knows aws4fetch, which signs requests. */
import { openAsBlob } from 'node:fs'
import type { AwsClient } from 'aws4fetch'
import { checkOptions, isText, type Rule } from '../../protocol/options.ts'
import { deadline } from '../../runtime/index.ts'
import { StoreError } from '../../store/error.ts'
import type { Bucket } from './bucket.ts'

export type S3Options = {
  /** URL of the service, such as https://s3.eu-central-1.amazonaws.com. */
  readonly endpoint: string
  /** Name of the bucket, which is there. Nobody else may remove what is in it: it must not expire, either. */
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Default us-east-1, which services that know no regions take. */
  readonly region?: string
  /** What the names of all files start with, for a bucket that has other files too. Default: nothing. */
  readonly prefix?: string
}

const rules: Record<keyof S3Options, Rule> = {
  endpoint: {
    words: 'a URL that begins with http:// or https://',
    fits: (url) => typeof url === 'string' && /^https?:\/\/./.test(url) && URL.canParse(url),
  },
  bucket: isText,
  accessKeyId: isText,
  secretAccessKey: isText,
  region: isText,
  prefix: isText,
}

/** Milliseconds for a request that carries no content, and for one that does: 64 MiB at 40 KB/s. */
const askMs = 15_000
const putMs = 1_800_000
/** Requests are repeated after what a service answers when it has too much to do. */
const retries = 3

/** Keeps media in a bucket of an S3 service. Needs the package aws4fetch. Throws for options that cannot be. */
export function s3Bucket(options: S3Options): Bucket {
  checkOptions('s3Bucket', options, rules, ['endpoint', 'bucket', 'accessKeyId', 'secretAccessKey'])
  const { endpoint, bucket, accessKeyId, secretAccessKey, region = 'us-east-1', prefix = '' } = options
  const root = `${endpoint.replace(/\/+$/, '')}/${encodeURIComponent(bucket)}`
  let client: AwsClient | undefined
  const ask = async (method: string, name: string, init: RequestInit): Promise<Response> => {
    if (!client) throw new StoreError('closed', 'The media store is not open.')
    const path = name === '' ? '' : `/${`${prefix}${name}`.split('/').map(encodeURIComponent).join('/')}`
    const answer = await client.fetch(`${root}${path}`, { method, ...init }).catch((cause) => {
      throw new StoreError('unavailable', `The bucket ${bucket} at ${endpoint} cannot be reached.`, { cause })
    })
    if (answer.ok || (method === 'DELETE' && answer.status === 404)) return answer
    const said = (await answer.text()).slice(0, 300)
    const text = `The bucket ${bucket} at ${endpoint} answered ${answer.status} to ${method}`
    throw new StoreError('unavailable', `${text}${said ? `: ${said}` : ''}${remedies[answer.status] ?? '.'}`)
  }
  return {
    async open(known) {
      client = new (await signer())({ accessKeyId, secretAccessKey, region, service: 's3', retries })
      const head = (name: string) => within(askMs, (signal) => ask('HEAD', name, { signal }))
      await head('')
      const isThere = (name: string) =>
        head(name).then(
          () => true,
          () => false,
        )
      if (known.length > 0 && !(await Promise.all(known.map(isThere))).includes(true)) {
        const text = `Nothing of what was put into the bucket ${bucket} at ${endpoint} is there: is it the right one, and its prefix? If they are, and it has lost them, put an empty object there as ${prefix}${known[0]} and start again.`
        throw new StoreError('not_writable', text)
      }
    },
    async put(name, path, id) {
      const body = await openAsBlob(path)
      // The service compares what came with this, and keeps nothing else.
      const headers = { 'x-amz-content-sha256': id }
      await within(putMs, (signal) => ask('PUT', name, { body, headers, signal }))
    },
    async *read(name, first, last) {
      const { signal, end } = limited(putMs)
      try {
        const { body } = await ask('GET', name, { headers: { range: `bytes=${first}-${last}` }, signal })
        if (body) yield* body as unknown as AsyncIterable<Uint8Array>
      } finally {
        end()
      }
    },
    async remove(name) {
      await within(askMs, (signal) => ask('DELETE', name, { signal }))
    },
  }
}

/** The timer of AbortSignal.timeout would stay for its whole time: of what is read half an hour. */
function limited(ms: number): { readonly signal: AbortSignal; end(): void } {
  const late = new AbortController()
  const end = deadline(ms, () => late.abort(new Error(`it took longer than ${ms / 1_000} s`)))
  return { signal: late.signal, end }
}

async function within<T>(ms: number, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, end } = limited(ms)
  return task(signal).finally(end)
}

const remedies: Readonly<Record<number, string>> = {
  403: '. Are the keys right, and may they read, write and remove there?',
  404: '. Is there a bucket of that name?',
  301: '. Is this its region?',
}

/** It is loaded where there is a bucket: whoever has none need not install it. */
async function signer(): Promise<typeof AwsClient> {
  try {
    return (await import('aws4fetch')).AwsClient
  } catch (cause) {
    throw new StoreError('not_writable', 's3Bucket needs the package aws4fetch: npm install aws4fetch', { cause })
  }
}
