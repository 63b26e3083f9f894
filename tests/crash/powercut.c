/* Preloaded into a process: journals what it does to the files of one folder, so that rebuild.py can show the
   folder as a power cut would leave it, and fails writes on demand.

   POWERCUT_DIR      the folder that is watched (an absolute path without symbolic links)
   POWERCUT_JOURNAL  where the operations go, outside of it; none are journaled without
   POWERCUT_FAULT    a file whose first byte, read anew before every operation, says what fails:
                     '0' nothing, 'n' writes with ENOSPC, 'w' writes with EIO, 's' syncs with EIO,
                     'r' changes with EROFS, 'd' reads at a place with EIO
                     (the second byte then becomes '!')

   Times are CLOCK_MONOTONIC: an operation's
   before it is done, a sync's end after it returned, so that an operation later than a moment was not done by
   then. A sync is two records, begin and end, without the lock between them. */
#include "powercut.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FAIL_IF(kind)                  \
  do {                                 \
    int code = powercut_failing(kind); \
    if (code) return errno = code, -1; \
  } while (0)

static int open_watched(const char* path, int flags, mode_t mode) {
  if ((flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY) FAIL_IF('m');
  pthread_mutex_lock(&powercut_lock);
  struct stat before, after;
  const int existed = stat(path, &before) == 0;
  const uint64_t time = powercut_time();
  const int fd = powercut_real_open(path, flags, mode);
  if (fd >= 0 && fstat(fd, &after) == 0) {
    powercut_watch(fd, S_ISDIR(after.st_mode) ? A_FOLDER : A_FILE);
    const uint64_t how = (uint64_t)(!existed) | (uint64_t)((flags & O_TRUNC) != 0) << 1 |
                         (uint64_t)(S_ISDIR(after.st_mode) != 0) << 2;
    powercut_note(OP_OPEN, fd, time, 0, how, path, strlen(path), NULL, 0);
  }
  pthread_mutex_unlock(&powercut_lock);
  return fd;
}

static int open_any(int at, const char* path, int flags, mode_t mode) {
  char full[PATH_MAX];
  if (powercut_locate(at, path, full)) return open_watched(full, flags, mode);
  static int (*call)(int, const char*, int, ...);
  if (!call) call = (int (*)(int, const char*, int, ...))powercut_real("openat");
  return call(at, path, flags, mode);
}

#define MODE_OF(flags)                   \
  mode_t mode = 0;                       \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list more;                        \
    va_start(more, flags);               \
    mode = va_arg(more, mode_t);         \
    va_end(more);                        \
  }
int open(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_any(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_any(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_any(at, path, flags, mode);
}
int openat64(int at, const char* path, int flags, ...) {
  MODE_OF(flags)
  return open_any(at, path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

/* A stream's descriptor is opened by the hooks, so that libstdc++'s files, which write by write(), are seen.
   stdio's own buffers are flushed inside libc, where nothing can be preloaded: told, so that rebuild.py
   refuses to guess. */
static FILE* fopen_any(const char* path, const char* mode, FILE* (*call)(const char*, const char*)) {
  char full[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, path, full)) return call(path, mode);
  int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
  if (*mode == 'w') flags |= O_CREAT | O_TRUNC;
  if (*mode == 'a') flags |= O_CREAT | O_APPEND;
  const int fd = open_watched(full, flags, 0666);
  return fd < 0 ? NULL : fdopen(fd, mode);
}
FILE* fopen(const char* path, const char* mode) {
  REAL(fopen);
  return fopen_any(path, mode, call);
}
FILE* fopen64(const char* path, const char* mode) {
  REAL(fopen64);
  return fopen_any(path, mode, call);
}
size_t fwrite(const void* bytes, size_t size, size_t count, FILE* to) {
  REAL(fwrite);
  if (powercut_watched(fileno(to)) == A_FILE)
    powercut_note(OP_UNTRACKED, fileno(to), powercut_time(), 0, 0, "fwrite", 6, NULL, 0);
  return call(bytes, size, count, to);
}

static void forget(int fd) {
  if (powercut_watched(fd) == NOT_WATCHED) return;
  pthread_mutex_lock(&powercut_lock);
  powercut_watch(fd, NOT_WATCHED);
  powercut_note(OP_CLOSE, fd, powercut_time(), 0, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
}
int fclose(FILE* stream) {
  REAL(fclose);
  forget(fileno(stream));
  return call(stream);
}
int closedir(DIR* folder) {
  REAL(closedir);
  forget(dirfd(folder));
  return call(folder);
}

int close(int fd) {
  REAL(close);
  if (powercut_watched(fd) == NOT_WATCHED) return call(fd);
  pthread_mutex_lock(&powercut_lock);
  powercut_watch(fd, NOT_WATCHED);
  powercut_note(OP_CLOSE, fd, powercut_time(), 0, 0, NULL, 0, NULL, 0);
  const int done = call(fd);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}

/* Where the next write() of `fd` goes. */
static uint64_t place_of(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  struct stat now;
  if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &now) == 0) return (uint64_t)now.st_size;
  return (uint64_t)lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void* bytes, size_t n) {
  REAL(write);
  if (powercut_watched(fd) != A_FILE) return call(fd, bytes, n);
  FAIL_IF('w');
  pthread_mutex_lock(&powercut_lock);
  const uint64_t time = powercut_time(), at = place_of(fd);
  const ssize_t done = call(fd, bytes, n);
  if (done > 0) powercut_note(OP_WRITE, fd, time, at, 0, bytes, (size_t)done, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}

static ssize_t pwrite_any(int fd, const void* bytes, size_t n, off_t at) {
  REAL(pwrite);
  if (powercut_watched(fd) != A_FILE) return call(fd, bytes, n, at);
  FAIL_IF('w');
  pthread_mutex_lock(&powercut_lock);
  const uint64_t time = powercut_time();
  const ssize_t done = call(fd, bytes, n, at);
  if (done > 0) powercut_note(OP_WRITE, fd, time, (uint64_t)at, 0, bytes, (size_t)done, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  return pwrite_any(fd, bytes, n, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t n, off_t at) {
  return pwrite_any(fd, bytes, n, at);
}

static ssize_t pread_any(int fd, void* bytes, size_t n, off_t at) {
  REAL(pread);
  if (powercut_watched(fd) == A_FILE) FAIL_IF('d');
  return call(fd, bytes, n, at);
}
ssize_t pread(int fd, void* bytes, size_t n, off_t at) {
  return pread_any(fd, bytes, n, at);
}
ssize_t pread64(int fd, void* bytes, size_t n, off_t at) {
  return pread_any(fd, bytes, n, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(writev);
  if (powercut_watched(fd) != A_FILE) return call(fd, parts, count);
  ssize_t sum = 0;
  for (int i = 0; i < count; i++) {
    const ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
    if (done < 0) return sum > 0 ? sum : -1;
    sum += done;
    if ((size_t)done < parts[i].iov_len) break;
  }
  return sum;
}

static int truncate_any(int fd, off_t size) {
  REAL(ftruncate);
  if (powercut_watched(fd) != A_FILE) return call(fd, size);
  FAIL_IF('m');
  pthread_mutex_lock(&powercut_lock);
  const uint64_t time = powercut_time();
  const int done = call(fd, size);
  if (done == 0) powercut_note(OP_TRUNCATE, fd, time, (uint64_t)size, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}
int ftruncate(int fd, off_t size) {
  return truncate_any(fd, size);
}
int ftruncate64(int fd, off_t size) {
  return truncate_any(fd, size);
}

/* Keeping the size it only reserves room, which a cut cannot show; else the file grows by zeros. */
int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(fallocate);
  if (powercut_watched(fd) != A_FILE) return call(fd, mode, at, size);
  FAIL_IF('w');
  pthread_mutex_lock(&powercut_lock);
  const uint64_t time = powercut_time();
  const int done = call(fd, mode, at, size);
  if (done == 0 && !(mode & FALLOC_FL_KEEP_SIZE))
    powercut_note(OP_ALLOCATE, fd, time, (uint64_t)(at + size), (uint64_t)mode, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}
int fallocate64(int fd, int mode, off_t at, off_t size) {
  return fallocate(fd, mode, at, size);
}
int posix_fallocate(int fd, off_t at, off_t size) {
  REAL(posix_fallocate);
  if (powercut_watched(fd) != A_FILE) return call(fd, at, size);
  return fallocate(fd, 0, at, size) == 0 ? 0 : errno;
}

int posix_fallocate64(int fd, off_t at, off_t size) {
  return posix_fallocate(fd, at, size);
}

static int sync_with(int fd, int (*call)(int)) {
  static uint64_t syncs;
  if (powercut_watched(fd) == NOT_WATCHED) return call(fd);
  FAIL_IF('s');
  pthread_mutex_lock(&powercut_lock);
  const uint64_t number = ++syncs;
  powercut_note(OP_SYNC_BEGIN, fd, powercut_time(), number, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  const int done = call(fd);
  pthread_mutex_lock(&powercut_lock);
  if (done == 0) powercut_note(OP_SYNC_END, fd, powercut_time(), number, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&powercut_lock);
  return done;
}
int fsync(int fd) {
  REAL(fsync);
  return sync_with(fd, call);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return sync_with(fd, call);
}
/* It promises nothing that outlives a power cut: no record, only the fault. */
int sync_file_range(int fd, off64_t at, off64_t n, unsigned flags) {
  REAL(sync_file_range);
  if (powercut_watched(fd) == A_FILE) FAIL_IF('s');
  return call(fd, at, n, flags);
}

/* A change of names. `call_it` is the call itself, between the lock and its record. */
#define CHANGE_NAMES(op, first, second, call_it)                                                  \
  FAIL_IF('m');                                                                                   \
  pthread_mutex_lock(&powercut_lock);                                                             \
  const uint64_t time = powercut_time();                                                          \
  const int done = call_it;                                                                       \
  if (done == 0) powercut_note(op, -1, time, 0, 0, first, strlen(first), second, strlen(second)); \
  pthread_mutex_unlock(&powercut_lock);                                                           \
  return done

int rename(const char* from, const char* to) {
  REAL(rename);
  char a[PATH_MAX], b[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, from, a) || !powercut_locate(AT_FDCWD, to, b)) return call(from, to);
  CHANGE_NAMES(OP_RENAME, a, b, call(from, to));
}
int renameat(int from_at, const char* from, int to_at, const char* to) {
  REAL(renameat);
  char a[PATH_MAX], b[PATH_MAX];
  if (!powercut_locate(from_at, from, a) || !powercut_locate(to_at, to, b))
    return call(from_at, from, to_at, to);
  CHANGE_NAMES(OP_RENAME, a, b, call(from_at, from, to_at, to));
}
int link(const char* from, const char* to) {
  REAL(link);
  char a[PATH_MAX], b[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, from, a) || !powercut_locate(AT_FDCWD, to, b)) return call(from, to);
  CHANGE_NAMES(OP_LINK, a, b, call(from, to));
}
int unlink(const char* path) {
  REAL(unlink);
  char a[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, path, a)) return call(path);
  CHANGE_NAMES(OP_UNLINK, a, "", call(path));
}
int unlinkat(int at, const char* path, int flags) {
  REAL(unlinkat);
  char a[PATH_MAX];
  if (!powercut_locate(at, path, a)) return call(at, path, flags);
  CHANGE_NAMES(flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK, a, "", call(at, path, flags));
}
int remove(const char* path) {
  struct stat what;
  if (lstat(path, &what) == 0 && S_ISDIR(what.st_mode)) return rmdir(path);
  return unlink(path);
}
int mkdir(const char* path, mode_t mode) {
  REAL(mkdir);
  char a[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, path, a)) return call(path, mode);
  CHANGE_NAMES(OP_MKDIR, a, "", call(path, mode));
}
int rmdir(const char* path) {
  REAL(rmdir);
  char a[PATH_MAX];
  if (!powercut_locate(AT_FDCWD, path, a)) return call(path);
  CHANGE_NAMES(OP_RMDIR, a, "", call(path));
}
/* A shared, writable mapping changes a file without a call. */
static void* mmap_any(void* at, size_t n, int protect, int flags, int fd, off_t offset) {
  REAL(mmap);
  if (powercut_watched(fd) == A_FILE && (flags & MAP_SHARED) && (protect & PROT_WRITE)) {
    pthread_mutex_lock(&powercut_lock);
    powercut_note(OP_UNTRACKED, fd, powercut_time(), 0, 1, "mmap", 4, NULL, 0);
    pthread_mutex_unlock(&powercut_lock);
  }
  return call(at, n, protect, flags, fd, offset);
}
void* mmap(void* at, size_t n, int protect, int flags, int fd, off_t offset) {
  return mmap_any(at, n, protect, flags, fd, offset);
}
void* mmap64(void* at, size_t n, int protect, int flags, int fd, off_t offset) {
  return mmap_any(at, n, protect, flags, fd, offset);
}
