// SPDX-License-Identifier: Apache-2.0
// A folder that stands for a machine: files of /proc and /sys, gone with the object.
#ifndef TICKMLP_TESTS_MADE_UP_BOX_H_
#define TICKMLP_TESTS_MADE_UP_BOX_H_
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "audit/box.h"

class MadeUpBox {
 public:
  MadeUpBox() {
    std::string name = (std::filesystem::temp_directory_path() / "tickmlp-box-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  MadeUpBox(MadeUpBox&& other) noexcept : folder_(std::exchange(other.folder_, "")) {}
  MadeUpBox& operator=(MadeUpBox&&) = delete;
  ~MadeUpBox() {
    std::error_code error;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, error);
  }

  // In place, so that a descriptor that is open sees it.
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(folder_ + path).parent_path());
    std::ofstream(folder_ + path, std::ios::binary | std::ios::trunc) << text;
  }
  tickmlp::bench::Box box() const { return tickmlp::bench::Box(folder_); }

 private:
  std::string folder_;
};
#endif
