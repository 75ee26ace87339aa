/**
 * The last case of a switch that has one for each member of a union: the compiler refuses it where one is missing.
 * Where a value is from elsewhere (a frame of a later version), `satisfies never` says the same, and lets it pass.
 */
export function never(value: never): never {
  const { is, do: asked } = Object(value) as { readonly is?: unknown; readonly do?: unknown }
  throw new TypeError(`there is no case for ${String(is ?? asked ?? value)}`)
}
