// SPDX-License-Identifier: Apache-2.0
// What stands at the path: files of every kind, and what happens to the file after loading.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "loaded.h"

using namespace tickmlp;
using namespace tickmlp::testing;
namespace fs = std::filesystem;

namespace {

// A folder that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    char name[] = "/tmp/tickmlp-test-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return path / name; }
};

void write_bytes(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

}  // namespace

TEST_CASE("files that are no blob's file, each refused by name") {
  const Folder folder;
  CHECK(Loaded(folder.file("missing")).status == TICKMLP_FILE_OPEN);
  CHECK(Loaded(folder.path).status == TICKMLP_FILE_KIND);
  CHECK(Loaded("/dev/zero").status == TICKMLP_FILE_KIND);
  REQUIRE(mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  CHECK(Loaded(folder.file("fifo")).status == TICKMLP_FILE_KIND);
  fs::create_symlink("nowhere", folder.file("dangling"));
  CHECK(Loaded(folder.file("dangling")).status == TICKMLP_FILE_OPEN);
  fs::create_symlink("loop", folder.file("loop"));
  CHECK(Loaded(folder.file("loop")).status == TICKMLP_FILE_OPEN);
  write_bytes(folder.file("empty"), {});
  CHECK(Loaded(folder.file("empty")).status == TICKMLP_FILE_SIZE);
  write_bytes(folder.file("one"), {0x89});
  CHECK(Loaded(folder.file("one")).status == TICKMLP_BLOB_MAGIC);
  write_bytes(folder.file("sparse"), {});
  REQUIRE(truncate(folder.file("sparse").c_str(), off_t{1} << 40) == 0);
  CHECK(Loaded(folder.file("sparse")).status == TICKMLP_FILE_SIZE);
  write_bytes(folder.file("open"), bundled("strategic-int8"));
  fs::permissions(folder.file("open"), fs::perms::all);
  CHECK(Loaded(folder.file("open")).status == TICKMLP_FILE_WRITABLE);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {AF_UNIX, {}};
  std::strncpy(address.sun_path, folder.file("socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  CHECK(Loaded(folder.file("socket")).status == TICKMLP_FILE_KIND);
  close(descriptor);
}

TEST_CASE("a file without read permission") {
  const Folder folder;
  fs::permissions(folder.path, fs::perms(0755));
  for (const char* name : {"open", "closed"}) write_bytes(folder.file(name), bundled("strategic-int8"));
  fs::permissions(folder.file("open"), fs::perms(0444));
  fs::permissions(folder.file("closed"), fs::perms::none);
  const pid_t child = fork();
  if (child == 0) {  // root reads everything, so it needs to lose its privilege first
    if (geteuid() == 0 && setuid(65534) != 0) _exit(10);
    if (Loaded(folder.file("open")).status != TICKMLP_OK) _exit(1);
    _exit(Loaded(folder.file("closed")).status == TICKMLP_FILE_OPEN ? 0 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 10)
    std::printf("SKIP a file without read permission: root cannot give up privilege here\n");
  else CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the file may be replaced, overwritten, truncated or deleted after loading") {
  const Folder folder;
  for (int fate = 0; fate < 4; ++fate) {
    const std::string path = folder.file("model.blob");
    write_bytes(path, bundled("tactical-int8"));
    Loaded loaded(path);
    REQUIRE(loaded.status == TICKMLP_OK);
    if (fate == 0)
      fs::rename((write_bytes(folder.file("other"), bundled("strategic-int8")), folder.file("other")), path);
    if (fate == 1) write_bytes(path, std::vector<uint8_t>(200000, 0xEE));
    if (fate == 2) REQUIRE(truncate(path.c_str(), 0) == 0);
    if (fate == 3) fs::remove(path);
    CHECK(golden_holds(loaded.model));
  }
}
