/** The options that say where media is kept. */
import { join } from 'node:path'
import { type Bucket, fileMedia, folderBucket, type NodeOptions, type Store, s3Bucket, sharedMedia } from '../index.ts'
import { Misuse } from './misuse.ts'
import type { Option } from './values.ts'

const heading = 'Options of media that several nodes share, with --store cassandra'

export const mediaTable = {
  'media-folder': {
    heading,
    value: 'FOLDER',
    text: 'folder that all nodes have mounted',
    default: '',
    otherwise: 'the data folder; nodes of a cluster take no media',
    env: 'BLUETICK_MEDIA_FOLDER',
  },
  'media-endpoint': {
    heading,
    value: 'URL',
    text: 'S3 service that has --media-bucket; its keys are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    default: '',
    env: 'BLUETICK_MEDIA_ENDPOINT',
  },
  'media-bucket': { heading, value: 'NAME', text: 'bucket of that service', default: '', env: 'BLUETICK_MEDIA_BUCKET' },
  'media-region': {
    heading,
    value: 'NAME',
    text: 'region of that bucket',
    default: 'us-east-1',
    env: 'BLUETICK_MEDIA_REGION',
  },
} satisfies Record<string, Option>

type Values = Record<keyof typeof mediaTable | 'store' | 'data' | 'node-name', string>

export function mediaOf(values: Values, store: Store, retentionMs: number): Pick<NodeOptions, 'media'> {
  const { data, 'node-name': member } = values
  const bucket = bucketOf(values)
  if (bucket) return { media: sharedMedia({ store, bucket, spool: join(data, 'uploads'), retentionMs }) }
  return member ? {} : { media: fileMedia(join(data, 'media'), { retentionMs }) }
}

function bucketOf(values: Values): Bucket | undefined {
  const { 'media-folder': folder, 'media-endpoint': endpoint, 'media-bucket': bucket, 'media-region': region } = values
  if (!folder && !endpoint && !bucket) return undefined
  if (values.store !== 'cassandra')
    throw new Misuse('--media-folder and --media-bucket need --store cassandra, which has the records of such media')
  if (folder && (endpoint || bucket)) throw new Misuse('--media-folder or --media-bucket: name one of them')
  if (folder) return folderBucket(folder)
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env
  if (!endpoint || !bucket) throw new Misuse('--media-endpoint and --media-bucket go together')
  if (!accessKeyId || !secretAccessKey)
    throw new Misuse('--media-bucket needs its keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  return s3Bucket({ endpoint, bucket, region, accessKeyId, secretAccessKey })
}
