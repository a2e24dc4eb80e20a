// SPDX-License-Identifier: Apache-2.0
// C++ allocation through mimalloc. Debian's library is built as C, where its own operator new ends the process when
// memory runs out; this one throws, so that the program can say so and exit with its code.
#if TICKMLP_HAVE_MIMALLOC
#include <mimalloc.h>

#include <new>

void* operator new(std::size_t bytes) {
  if (void* memory = mi_malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void operator delete(void* memory) noexcept { mi_free(memory); }
void operator delete[](void* memory) noexcept { mi_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { mi_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { mi_free(memory); }
#endif
