/* The journal of powercut.c: which folder, where to, what fails. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "powercut.h"

enum { MAX_FD = 65536 };
static unsigned char watched[MAX_FD];
pthread_mutex_t powercut_lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_size;
static int journal = -1;
static volatile char* fault;

void* powercut_real(const char* name) {
  void* found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}
int powercut_real_open(const char* path, int flags, unsigned mode) {
  static int (*call)(const char*, int, ...);
  if (!call) call = (int (*)(const char*, int, ...))powercut_real("open");
  return call(path, flags, mode);
}

__attribute__((constructor)) static void start(void) {
  const char* dir = getenv("POWERCUT_DIR");
  if (!dir || !*dir) return;
  if (!realpath(dir, folder)) snprintf(folder, sizeof folder, "%s", dir);
  folder_size = strlen(folder);
  const char* to = getenv("POWERCUT_JOURNAL");
  if (to && *to) journal = powercut_real_open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const char* control = getenv("POWERCUT_FAULT");
  if (control && *control) {
    int fd = powercut_real_open(control, O_RDWR | O_CLOEXEC, 0);
    void* page = fd < 0 ? MAP_FAILED : mmap(NULL, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) fault = page;
  }
}

static int inside(const char* path) {
  return folder_size > 0 && strncmp(path, folder, folder_size) == 0 &&
         (path[folder_size] == '/' || path[folder_size] == 0);
}

/* The absolute path that `path` under the open directory `at` means; 0: not of the folder. */
int powercut_locate(int at, const char* path, char* out) {
  if (!folder_size || !path) return 0;
  char base[PATH_MAX] = "";
  if (path[0] != '/') {
    if (at == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", at);
      ssize_t n = readlink(link, base, sizeof base - 1);
      if (n <= 0) return 0;
      base[n] = 0;
    }
  }
  char joined[2 * PATH_MAX], parent[PATH_MAX];
  snprintf(joined, sizeof joined, "%s%s%s", base, path[0] == '/' ? "" : "/", path);
  size_t n = strlen(joined);
  while (n > 1 && joined[n - 1] == '/') joined[--n] = 0;
  /* The parent exists where the operation can succeed; the last name may not. */
  char* slash = strrchr(joined, '/');
  if (!slash) return 0;
  const char* name = slash + 1;
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return realpath(joined, out) && inside(out);
  *slash = 0;
  if (!realpath(*joined ? joined : "/", parent)) return 0;
  if (snprintf(out, PATH_MAX, "%s%s%s", strcmp(parent, "/") ? parent : "", "/", name) >= PATH_MAX) return 0;
  return inside(out);
}

uint64_t powercut_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void write_all(struct iovec* parts, int count) {
  REAL(writev);
  while (count > 0) {
    ssize_t n = call(journal, parts, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) abort(); /* A journal with a hole would accuse the wrong one. */
    while (count > 0 && (size_t)n >= parts->iov_len) {
      n -= (ssize_t)parts->iov_len;
      parts++, count--;
    }
    if (count > 0) {
      parts->iov_base = (char*)parts->iov_base + n;
      parts->iov_len -= (size_t)n;
    }
  }
}

void powercut_note(enum op op, int fd, uint64_t time, uint64_t offset, uint64_t flags, const void* first,
                   size_t first_size, const void* second, size_t second_size) {
  if (journal < 0) return;
  int kept = errno;
  struct record head = {op, (uint32_t)fd, time, offset, flags, (uint32_t)first_size, (uint32_t)second_size};
  struct iovec parts[3] = {
    {&head, sizeof head}, {(void*)(uintptr_t)first, first_size}, {(void*)(uintptr_t)second, second_size}};
  write_all(parts, 3);
  errno = kept;
}

int powercut_watched(int fd) {
  return fd >= 0 && fd < MAX_FD ? watched[fd] : NOT_WATCHED;
}

void powercut_watch(int fd, int what) {
  if (fd >= 0 && fd < MAX_FD) watched[fd] = (unsigned char)what;
}

int powercut_failing(char kind) {
  const char now = fault ? *fault : '0';
  if (now == 'n' && kind == 'w') return ENOSPC;
  if (now == 'w' && kind == 'w') return EIO;
  if (now == 's' && kind == 's') return EIO;
  if (now == 'r' && (kind == 'w' || kind == 'm')) return EROFS;
  if (now != 'd' || kind != 'd') return 0;
  fault[1] = '!';
  return EIO;
}
