/** Whether a page's origin is this node itself, under a loopback name: a name that merely resolves here is another site's. */
export const sameLoopback = (origin: string, host: string): boolean => origin === `http://${host}` && isLoopback(host)

/** Whether a Host header is a name of the loopback. */
export const isLoopback = (host: string): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)
