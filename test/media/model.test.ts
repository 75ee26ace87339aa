/** The file store against a model of what it is for: content is there as long as somebody refers to it, and takes room once. */
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fileMedia } from '../../src/media/files.ts'
import type { UserId } from '../../src/protocol/ids.ts'
import { idOf, png } from '../contracts/media.ts'

const contents = ['a', 'b', 'c'].map(png)
const ids = contents.map(idOf)
const alice = 'alice' as UserId
/** holder -> until, of one content. */
type Model = Map<string, number>[]

const which = fc.nat(2)
const holder = fc.constantFrom('x/1', 'x/2', 'y/1', 'y/2')
const until = fc.integer({ min: 1, max: 50 })
const step = fc.oneof(
  fc.record({ do: fc.constant('upload' as const), which, holder, until }),
  fc.record({ do: fc.constant('refer' as const), which, holder, until }),
  fc.record({
    do: fc.constant('release' as const),
    which: fc.option(which),
    prefix: fc.constantFrom('x/', 'y/', 'x/1', ''),
  }),
  fc.record({ do: fc.constant('collect' as const), now: fc.integer({ min: 0, max: 50 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function foresee(model: Model, step: Step): void {
  const hold = (holder: string, until: number, which: number) =>
    model[which]?.set(holder, Math.max(until, model[which].get(holder) ?? 0))
  if (step.do === 'upload') hold(step.holder, step.until, step.which)
  else if (step.do === 'refer' && (model[step.which]?.size ?? 0) > 0) hold(step.holder, step.until, step.which)
  else if (step.do === 'release' || step.do === 'collect')
    for (const [index, holders] of model.entries())
      for (const [holder, until] of holders) {
        const over =
          step.do === 'collect' ? until <= step.now : holder.startsWith(step.prefix) && (step.which ?? index) === index
        if (over) holders.delete(holder)
      }
}

async function perform(store: ReturnType<typeof fileMedia>, step: Step): Promise<void> {
  switch (step.do) {
    case 'upload': {
      const upload = await store.begin(alice, null)
      await upload.write(contents[step.which] as Uint8Array)
      return void (await upload.finish(step.holder, step.until))
    }
    case 'refer':
      return void (await store.refer(ids[step.which] as never, [step.holder], step.until))
    case 'release':
      return store.release(step.prefix, ids[step.which ?? -1])
    case 'collect':
      while ((await store.collect(step.now)) > 0);
  }
}

async function opened() {
  const path = mkdtempSync(join(tmpdir(), 'bluetick-media-model-'))
  const store = fileMedia(path)
  await store.open()
  const files = () =>
    readdirSync(join(path, 'files'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
  return { store, files }
}

it('keeps what is referred to, and nothing else, whatever is done in whatever order', async () => {
  const { store, files } = await opened()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await store.release('')
      const model: Model = contents.map(() => new Map())
      for (const step of steps) {
        foresee(model, step)
        await perform(store, step)
        const there = await Promise.all(ids.map(async (id) => (await store.find(id)) !== undefined))
        expect(there).toEqual(model.map((holders) => holders.size > 0))
        expect(files()).toBe(there.filter(Boolean).length)
      }
    }),
    { numRuns: 30 },
  )
  await store.close()
})

it('keeps one file for each content that is there, also when all is done at once', async () => {
  const { store, files } = await opened()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      await Promise.all(steps.map((step) => perform(store, step)))
      const there = await Promise.all(ids.map(async (id) => (await store.find(id)) !== undefined))
      expect(files()).toBe(there.filter(Boolean).length)
      await store.release('')
      expect(files()).toBe(0)
    }),
    { numRuns: 30 },
  )
  await store.close()
})
