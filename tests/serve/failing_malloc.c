/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a server by test_allocations.py: in threads of one name, one in N allocations of C++ fails, which the
   program takes from mimalloc (bench/allocation.cc). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

struct plan { /* in the file that TICKMLP_FAILING names; the test writes the first two */
  char thread[16];
  uint32_t every; /* 0: none fails */
  uint32_t asked, failed;
};
static struct plan* plan;
static void* (*next)(size_t);

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("TICKMLP_FAILING");
  const int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  void* memory = file < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory != MAP_FAILED) plan = memory;
}

static int fails(void) {
  char name[16] = {0};
  const uint32_t every = plan == NULL ? 0 : __atomic_load_n(&plan->every, __ATOMIC_RELAXED);
  if (every == 0) return 0;
  prctl(PR_GET_NAME, name);
  if (strncmp(name, plan->thread, sizeof name) != 0) return 0;
  /* Scattered, the same each time: what is tried again must not meet the same turn for ever. */
  const uint32_t turn = __atomic_fetch_add(&plan->asked, 1, __ATOMIC_RELAXED) * 2654435761U >> 16;
  if (turn % every != 0) return 0;
  __atomic_fetch_add(&plan->failed, 1, __ATOMIC_RELAXED);
  return 1;
}

__attribute__((visibility("default"))) void* mi_malloc(size_t bytes) {
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "mi_malloc");
  return fails() ? NULL : next(bytes);
}
