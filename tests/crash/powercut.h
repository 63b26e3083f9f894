/* What the hooks of powercut.c share with its journal: records, watched descriptors, faults. */
#ifndef POWERCUT_H
#define POWERCUT_H
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum op {
  OP_OPEN = 1,
  OP_CLOSE,
  OP_WRITE,
  OP_TRUNCATE,
  OP_SYNC_BEGIN,
  OP_SYNC_END,
  OP_RENAME,
  OP_UNLINK,
  OP_MKDIR,
  OP_RMDIR,
  OP_LINK,
  OP_UNTRACKED,
  OP_ALLOCATE
};

/* The journal's record: this header, then two paths or the data. */
struct record {
  uint32_t op, fd;
  uint64_t time, offset, flags;
  uint32_t first, second; /* Bytes that follow. */
};

enum { NOT_WATCHED, A_FILE, A_FOLDER };

/* Held over each operation and its record: the journal's order is the order of effects. */
extern pthread_mutex_t powercut_lock;

void* powercut_real(const char* name);
#define REAL(name)               \
  static __typeof__(&name) call; \
  if (!call) call = (__typeof__(&name))powercut_real(#name)

/* open(), not hooked. */
int powercut_real_open(const char* path, int flags, unsigned mode);

/* The absolute path that `path` under the open folder `at` means; 0: it is not in the watched folder. */
int powercut_locate(int at, const char* path, char* out);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t powercut_time(void);

void powercut_note(enum op op, int fd, uint64_t time, uint64_t offset, uint64_t flags, const void* first,
                   size_t first_size, const void* second, size_t second_size);

int powercut_watched(int fd);
void powercut_watch(int fd, int what);

/* The errno that an operation of this kind fails with now, 0: none. Kinds: 'w'rite, 's'ync, 'm'etadata,
   rea'd'. */
int powercut_failing(char kind);

#endif
