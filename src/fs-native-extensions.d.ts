declare module 'fs-native-extensions' {
  /** Locks the whole of an open file for writing; false: somebody else has it open and locked. */
  export function tryLock(fd: number): boolean
}
