/** Whether only this machine reaches what listens on this host. */
export const isForHere = (host: string): boolean => /^(127(\.\d{1,3}){3}|localhost|::1)$/.test(host)
