/* Faults of a disk and a clock that steps, in a process that loads this library (LD_PRELOAD). For tests.
 *
 *   FAULT_PATH   only files whose path contains this
 *   FAULT_OP     "write", "sync", "read" or "open": which calls fail; "open" means opening for writing
 *   FAULT_AT     the number of the first such call that fails, from 1; all later ones fail too
 *   FAULT_ERRNO  the error, as a number
 *   FAULT_SHORT  when set, the first write that fails writes half of its bytes before
 *   FAULT_CLOCK  a file with the seconds, as a text, that the wall clock is ahead
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static long counted;

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

/* Whether the call fails: 1, or 2 for the first one that does. */
static int fails(const char *operation, const char *path) {
  const char *wanted = variable("FAULT_PATH");
  if (strcmp(variable("FAULT_OP"), operation) || !*wanted || !strstr(path, wanted)) return 0;
  long number = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST), at = atol(variable("FAULT_AT"));
  if (number < at) return 0;
  errno = atoi(variable("FAULT_ERRNO"));
  return number == at ? 2 : 1;
}

static int fd_fails(const char *operation, int fd) {
  char link[64], path[4096];
  if (strcmp(variable("FAULT_OP"), operation)) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(operation, path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define POSITIONED_WRITE(name, offset_type)                                              \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type at) {               \
    REAL(name);                                                                          \
    int fail = fd_fails("write", fd), error = errno;                                     \
    if (fail == 2 && *variable("FAULT_SHORT")) (void)!real(fd, bytes, length / 2, at);   \
    if (fail) return errno = error, -1;                                                  \
    return real(fd, bytes, length, at);                                                  \
  }
POSITIONED_WRITE(pwrite, off_t)
POSITIONED_WRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(write);
  return fd_fails("write", fd) ? -1 : real(fd, bytes, length);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  REAL(pread);
  return fd_fails("read", fd) ? -1 : real(fd, bytes, length, at);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  REAL(pread64);
  return fd_fails("read", fd) ? -1 : real(fd, bytes, length, at);
}

int fsync(int fd) {
  REAL(fsync);
  return fd_fails("sync", fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return fd_fails("sync", fd) ? -1 : real(fd);
}

int sync_file_range(int fd, off64_t at, off64_t length, unsigned flags) {
  REAL(sync_file_range);
  return fd_fails("sync", fd) ? -1 : real(fd, at, length, flags);
}

#define OPEN(name)                                                                \
  int name(const char *path, int flags, ...) {                                    \
    REAL(name);                                                                   \
    va_list rest;                                                                 \
    va_start(rest, flags);                                                        \
    mode_t mode = va_arg(rest, mode_t);                                           \
    va_end(rest);                                                                 \
    if ((flags & O_ACCMODE) != O_RDONLY && fails("open", path)) return -1;        \
    return real(path, flags, mode);                                               \
  }
OPEN(open)
OPEN(open64)

int clock_gettime(clockid_t clock, struct timespec *now) {
  long result = syscall(SYS_clock_gettime, clock, now);
  const char *file = variable("FAULT_CLOCK");
  if (result == 0 && clock == CLOCK_REALTIME && *file) {
    char text[32] = "";
    int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
      long length = syscall(SYS_read, fd, text, sizeof text - 1);
      if (length > 0) now->tv_sec += atol(text);
      syscall(SYS_close, fd);
    }
  }
  return (int)result;
}
