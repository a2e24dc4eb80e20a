// SPDX-License-Identifier: Apache-2.0
#include "serve/shared/attached.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tickmlp::shared {

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

std::unique_ptr<Segment> Segment::make(std::size_t bytes, Descriptor* descriptor) {
  Descriptor made(memfd_create("tickmlp-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (made.get() < 0 || fchmod(made.get(), 0600) != 0 || ftruncate(made.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(made.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return nullptr;
  std::unique_ptr<Segment> segment(new Segment(bytes));
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, made.get(), 0);
  if (memory == MAP_FAILED) return nullptr;
  segment->bytes_ = static_cast<unsigned char*>(memory);
  *descriptor = std::move(made);
  return segment;
}

Segment::~Segment() {
  if (bytes_ != nullptr) munmap(bytes_, size_);
}

}  // namespace tickmlp::shared
