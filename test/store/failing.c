/* For LD_PRELOAD: while the file FAIL_WHEN exists, calls on files below the folder FAIL_BELOW fail with its number of an error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* FAIL_CALL is "write", or "sync", as a disk whose cache cannot be written out. */
static int fails(int fd, const char *call) {
  char link[64], path[4096], number[16] = "";
  const char *below = getenv("FAIL_BELOW"), *when = getenv("FAIL_WHEN"), *what = getenv("FAIL_CALL");
  FILE *file;
  ssize_t length;
  if (!below || !when || !what || access(when, F_OK) != 0) return 0;
  /* Such a write is a sync, too. */
  if (strcmp(what, call) && !(!strcmp(what, "sync") && (fcntl(fd, F_GETFL) & O_DSYNC))) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, below, strlen(below))) return 0;
  file = fopen(when, "r");
  if (file) {
    if (!fgets(number, sizeof number, file)) number[0] = 0;
    fclose(file);
  }
  errno = atoi(number);
  return 1;
}

#define CALL(type, name, call, arguments, given)                        \
  type name arguments {                                                 \
    static type(*real) arguments;                                       \
    if (!real) real = (type(*) arguments)dlsym(RTLD_NEXT, #name);       \
    return fails(fd, call) ? -1 : real given;                           \
  }

CALL(ssize_t, pwrite, "write", (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
CALL(ssize_t, pwrite64, "write", (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
CALL(ssize_t, writev, "write", (int fd, const struct iovec *parts, int count), (fd, parts, count))
CALL(ssize_t, pwritev, "write", (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at))
CALL(ssize_t, pwritev64, "write", (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at))
CALL(int, fdatasync, "sync", (int fd), (fd))
CALL(int, fsync, "sync", (int fd), (fd))
