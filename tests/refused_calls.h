// SPDX-License-Identifier: Apache-2.0
// What the library calls in libc, each able to fail once: linked with --wrap=NAME for every name below. Include it in
// one file only. pthread_attr_init() is not among them: glibc's cannot fail, and sanitizers call it themselves.
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace tickmlp::testing {

struct System {
  bool armed = false;
  int calls = 0, fail_at = -1;
  const char* failed = nullptr;  // the function that was made to fail
  // What is held, over all calls while armed.
  long blocks = 0, mapped_bytes = 0, descriptors = 0;

  bool fails(const char* name) {
    if (!armed || calls++ != fail_at) return false;
    failed = name;
    errno = ENOMEM;
    return true;
  }
};
inline System system_calls;

template <class T>
inline T* held(T* block) {
  if (system_calls.armed && block != nullptr) ++system_calls.blocks;
  return block;
}

inline int opened(int descriptor) {
  if (system_calls.armed && descriptor >= 0) ++system_calls.descriptors;
  return descriptor;
}

}  // namespace tickmlp::testing

extern "C" {
void* __real_malloc(size_t bytes);
void* __wrap_malloc(size_t bytes) {
  return tickmlp::testing::system_calls.fails("malloc") ? nullptr : tickmlp::testing::held(__real_malloc(bytes));
}
void __real_free(void* memory);
void __wrap_free(void* memory) {
  if (tickmlp::testing::system_calls.armed && memory != nullptr) --tickmlp::testing::system_calls.blocks;
  __real_free(memory);
}
void* __real_mmap64(void* at, size_t bytes, int protection, int flags, int file, off64_t offset);
void* __wrap_mmap64(void* at, size_t bytes, int protection, int flags, int file, off64_t offset) {
  if (tickmlp::testing::system_calls.fails("mmap")) return MAP_FAILED;
  void* mapping = __real_mmap64(at, bytes, protection, flags, file, offset);
  if (tickmlp::testing::system_calls.armed && mapping != MAP_FAILED)
    tickmlp::testing::system_calls.mapped_bytes += static_cast<long>(bytes + 4095) & ~4095l;
  return mapping;
}
int __real_munmap(void* at, size_t bytes);
int __wrap_munmap(void* at, size_t bytes) {
  if (tickmlp::testing::system_calls.armed)
    tickmlp::testing::system_calls.mapped_bytes -= static_cast<long>(bytes + 4095) & ~4095l;
  return __real_munmap(at, bytes);
}
int __real_mprotect(void* at, size_t bytes, int protection);
int __wrap_mprotect(void* at, size_t bytes, int protection) {
  return tickmlp::testing::system_calls.fails("mprotect") ? -1 : __real_mprotect(at, bytes, protection);
}
int __real_madvise(void* at, size_t bytes, int advice);
int __wrap_madvise(void* at, size_t bytes, int advice) {
  return tickmlp::testing::system_calls.fails("madvise") ? -1 : __real_madvise(at, bytes, advice);
}
int __real_mlock(const void* at, size_t bytes);
int __wrap_mlock(const void* at, size_t bytes) {
  return tickmlp::testing::system_calls.fails("mlock") ? -1 : __real_mlock(at, bytes);
}
int __real_open64(const char* path, int flags, ...);
int __wrap_open64(const char* path, int flags, ...) {
  return tickmlp::testing::system_calls.fails("open of /proc") ? -1
                                                               : tickmlp::testing::opened(__real_open64(path, flags));
}
int __real_openat64(int folder, const char* path, int flags, ...);
int __wrap_openat64(int folder, const char* path, int flags, ...) {
  return tickmlp::testing::system_calls.fails("open") ? -1
                                                      : tickmlp::testing::opened(__real_openat64(folder, path, flags));
}
int __real_close(int descriptor);
int __wrap_close(int descriptor) {
  if (tickmlp::testing::system_calls.armed) --tickmlp::testing::system_calls.descriptors;
  return __real_close(descriptor);
}
int __real_fstat64(int file, struct stat64* status);
int __wrap_fstat64(int file, struct stat64* status) {
  return tickmlp::testing::system_calls.fails("fstat") ? -1 : __real_fstat64(file, status);
}
ssize_t __real_pread64(int file, void* into, size_t bytes, off64_t offset);
ssize_t __wrap_pread64(int file, void* into, size_t bytes, off64_t offset) {
  return tickmlp::testing::system_calls.fails("pread") ? -1 : __real_pread64(file, into, bytes, offset);
}
ssize_t __real_read(int file, void* into, size_t bytes);
ssize_t __wrap_read(int file, void* into, size_t bytes) {
  return tickmlp::testing::system_calls.fails("read of /proc") ? -1 : __real_read(file, into, bytes);
}
FILE* __real_fopen64(const char* path, const char* mode);
FILE* __wrap_fopen64(const char* path, const char* mode) {
  return tickmlp::testing::system_calls.fails("fopen of /sys") ? nullptr : __real_fopen64(path, mode);
}
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  return tickmlp::testing::system_calls.fails("pthread_create")
             ? EAGAIN
             : __real_pthread_create(thread, attributes, run, argument);
}
}
