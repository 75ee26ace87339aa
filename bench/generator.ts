/** A load generator: many users in one process. The bench runs several, and tells when they were the bottleneck. */
import { answer } from './child.ts'
import { close, drain, heard, mark, open, totals } from './crowd.ts'
import { burst, form } from './groups.ts'
import { beat, fill, mix, pump } from './load.ts'

answer({ open, pump, fill, beat, mix, form, burst, totals, mark, drain, heard, close }, close)
