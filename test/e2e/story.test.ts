import { join } from 'node:path'
import { lmdbStore } from '../../src/index.ts'
import { story } from '../contracts/story.ts'

story('lmdb', (folder) => lmdbStore(join(folder, 'data')))
