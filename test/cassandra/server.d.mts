export type Place = { readonly host?: string; readonly port?: number; readonly heapMb?: number }
export type Running = { readonly contactPoints: string[]; readonly localDc: string; stop(): Promise<void> }
export const howToGet: string
export function provides(): boolean
export function oneNode(place?: Place): Promise<Running>
