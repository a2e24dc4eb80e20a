// SPDX-License-Identifier: Apache-2.0
// What stands in a published folder: `current`, blobs and signatures of every kind, and what happens to them later.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <atomic>
#include <functional>
#include <thread>

#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";

struct Unfit {
  tickmlp_status expected;
  const char* words;
  std::function<void(const fs::path&)> make;
};

void make_socket(const fs::path& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {AF_UNIX, {}};
  // A long folder's name would not fit: the path from the folder on.
  const fs::path before = fs::current_path();
  fs::current_path(path.parent_path());
  std::strncpy(address.sun_path, path.filename().c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  fs::current_path(before);
  close(descriptor);
}

// What no published file may be.
const std::vector<Unfit>& unfit() {
  static const std::vector<Unfit> kinds = {
      {TICKMLP_FILE_KIND, "is a FIFO", [](const fs::path& path) { REQUIRE(mkfifo(path.c_str(), 0600) == 0); }},
      {TICKMLP_FILE_KIND, "is a directory", [](const fs::path& path) { fs::create_directory(path); }},
      {TICKMLP_FILE_KIND, "is a socket or a device", make_socket},
      {TICKMLP_FILE_KIND, "is a symbolic link", [](const fs::path& path) { fs::create_symlink("/dev/zero", path); }},
      {TICKMLP_FILE_KIND, "is a symbolic link", [](const fs::path& path) { fs::create_symlink("nowhere", path); }},
      {TICKMLP_FILE_KIND, "is a symbolic link",
       [](const fs::path& path) { fs::create_symlink(path.filename(), path); }},
      {TICKMLP_FILE_KIND, "is a symbolic link",
       [](const fs::path& path) {
         write_text(path.string() + ".elsewhere", "good or not\n");
         fs::create_symlink(path.string() + ".elsewhere", path);
       }},
      {TICKMLP_FILE_SIZE, "is empty", [](const fs::path& path) { write_text(path, ""); }},
      {TICKMLP_FILE_SIZE, "has 1099511627776 bytes",
       [](const fs::path& path) {
         write_text(path, "");
         REQUIRE(truncate(path.c_str(), off_t{1} << 40) == 0);
       }},
      {TICKMLP_FILE_WRITABLE, "everybody may write",
       [](const fs::path& path) {
         write_text(path, "anything\n");
         fs::permissions(path, fs::perms(0666));
       }},
  };
  return kinds;
}

}  // namespace

TEST_CASE("a `current`, a blob, a signature that is no regular file of its size") {
  const std::vector<uint8_t> next = variant(kName, 2, 2);
  const std::string name = PublishedFolder::name_of(next), signature = name + ".minisig";
  const Signer signer(1);
  const std::string key = signer.public_line();
  for (const std::string& which : {std::string("current"), name, signature})
    for (const Unfit& kind : unfit()) {
      PublishedFolder folder;
      tickmlp_watch_options options = {};
      options.public_key = key.c_str();
      Watched watched(folder, load_variant(kName, 1, 1), options);
      if (which != "current") folder.point(name);
      if (which == signature) folder.put(next);
      kind.make(folder.path / which);
      CAPTURE(which);
      CHECK(watched.refuses(kind.expected, kind.words));
      CHECK(watched.says(which));
      CHECK(watched.look() == kind.expected);
      CHECK(watched.report.event == TICKMLP_WATCH_SAME);
      fs::remove_all(folder.path / which);  // mended
      folder.put(next);
      folder.put(signature, signer.sign(next, "name=strategic generation=2"));
      folder.point(name);
      CHECK(watched.takes(2));
      CHECK(watched.report.has_signature == 1);
    }
}

TEST_CASE("`current` of any other form") {
  PublishedFolder folder;
  Watched watched(folder, load_variant(kName, 9, 1));
  const std::string long_name(64, 'a'), zip = std::string("PK\x03\x04\0\0\0\0", 8);
  const std::string refused[] = {"\n",
                                 " \n",
                                 "a.blob",
                                 "strategic-2-12345678.blob",
                                 "strategic-2-12345678.blob\r\n",
                                 "strategic-2-12345678.blob\n\n",
                                 "strategic-2-12345678.blob\nx\n",
                                 "strategic-2-1234567.blob\n",
                                 "strategic-2-123456789.blob\n",
                                 "strategic-2-1234567G.blob\n",
                                 "strategic-2-ABCDEF12.blob\n",
                                 "strategic-02-12345678.blob\n",
                                 "strategic--12345678.blob\n",
                                 "strategic-18446744073709551616-12345678.blob\n",
                                 "strategic-2x-12345678.blob\n",
                                 "strategic-2-12345678\n",
                                 "strategic-2-12345678.blob.minisig\n",
                                 "strategic-2-12345678.BLOB\n",
                                 "-2-12345678.blob\n",
                                 "2-12345678.blob\n",
                                 "../strategic-2-12345678.blob\n",
                                 "/strategic-2-12345678.blob\n",
                                 "..-2-12345678.blob\n",
                                 ".a-2-12345678.blob\n",
                                 "a/b-2-12345678.blob\n",
                                 "a b-2-12345678.blob\n",
                                 long_name + "-2-12345678.blob\n",
                                 "strategic-2-12345678.blob \n",
                                 "strategic-2-12345678.blob rollback-from\n",
                                 "strategic-2-12345678.blob rollback-from \n",
                                 "strategic-2-12345678.blob rollback-from x\n",
                                 "strategic-2-12345678.blob rollback-from 3 \n",
                                 "strategic-2-12345678.blob  rollback-from 3\n",
                                 "strategic-2-12345678.blob rollback-to 3\n",
                                 "strategic-2-12345678.blob rollback-from 2\n",
                                 "strategic-2-12345678.blob rollback-from 1\n",
                                 "strategic-2-12345678.blob\trollback-from 3\n",
                                 "\xff\xfe\xfd\n",
                                 zip,
                                 std::string(100, '\0'),
                                 std::string("a\0b-2-12345678.blob\n", 20)};
  for (const std::string& text : refused) {
    folder.put("current", text);
    CAPTURE(text);
    CHECK(watched.refuses(TICKMLP_BAD_PUBLICATION, "current "));
    for (const char c : std::string(watched.report.error.message)) CHECK((c >= ' ' && c <= '~'));
    CHECK(watched.report.file[0] == '\0');
  }
  folder.put("current", std::string(135, 'a'));
  CHECK(watched.refuses(TICKMLP_FILE_SIZE, "has 135 bytes"));
  // The longest there is: 63 + 20 + 8 characters, and a rollback from 20 digits. Of the right form, and not there.
  const std::string longest = std::string(63, 'a') + "-18446744073709551614-12345678.blob";
  folder.point(longest + " rollback-from 18446744073709551615");
  CHECK(watched.refuses(TICKMLP_OTHER_MODEL));
  CHECK(watched.report.file == longest);
  folder.publish(variant(kName, 10, 2));
  CHECK(watched.takes(10));
}

TEST_CASE("files that are replaced, overwritten, cut or deleted once they are loaded") {
  for (int fate = 0; fate < 4; ++fate) {
    PublishedFolder folder;
    Watched watched(folder, load_variant(kName, 1, 1));
    const std::string name = folder.publish(variant(kName, 2, 2)), path = folder.path / name;
    REQUIRE(watched.takes(2));
    if (fate == 0) folder.put(name, "another");
    if (fate == 1) write_text(path, std::string(20000, '\xEE'));
    if (fate == 2) REQUIRE(truncate(path.c_str(), 0) == 0);
    if (fate == 3) fs::remove(path);
    CHECK(golden_holds(watched.slot.state().model));
    CHECK(watched.look() == TICKMLP_OK);
    CHECK(watched.report.event == TICKMLP_WATCH_SAME);
  }
}

TEST_CASE("what stands at the blob's name changes all the time: only the published bytes are ever taken") {
  const std::vector<uint8_t> good = variant(kName, 2, 2);
  const std::string name = PublishedFolder::name_of(good), text(good.begin(), good.end());
  std::string bad = text;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  int refused = 0;
  for (int round = 0; round < 20 || refused == 0; ++round) {
    PublishedFolder folder;
    Watched watched(folder, load_variant(kName, 1, 1));
    folder.put(name, bad);
    folder.point(name);
    std::atomic<bool> stop{false};
    std::thread swapper([&] {
      for (int i = 0; !stop; ++i) {
        if (i % 4 == 0) folder.put(name, text);
        if (i % 4 == 1)
          fs::create_symlink("/dev/zero", folder.path / "link"), fs::rename(folder.path / "link", folder.path / name);
        if (i % 4 == 2) folder.put(name, bad);
        if (i % 4 == 3) write_text(folder.path / name, bad.substr(0, 1000));  // in place
      }
    });
    for (int i = 0; i < 200 && watched.generation() == 1; ++i) refused += watched.look() != TICKMLP_OK;
    stop = true;
    swapper.join();
    CHECK(golden_holds(watched.slot.state().model));
    if (watched.generation() == 1) {
      folder.put(name, text);
      CHECK(watched.takes(2));
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("a blob and a `current` that may not be read") {
  PublishedFolder folder;
  fs::permissions(folder.path, fs::perms(0755));
  const std::string name = folder.publish(variant(kName, 2, 2));
  const pid_t child = fork();
  if (child == 0) {  // root reads everything, so it needs to lose its privilege first
    Watched watched(folder, load_variant(kName, 1, 1));
    fs::permissions(folder.path / name, fs::perms::none);
    if (geteuid() == 0 && setuid(65534) != 0) _exit(10);
    if (watched.look() != TICKMLP_FILE_OPEN || !watched.says("cannot open strategic-2")) _exit(1);
    _exit(watched.generation() == 1 && golden_holds(watched.slot.state().model) ? 0 : 2);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 10)
    std::printf("SKIP a blob and a `current` that may not be read: root cannot give up privilege here\n");
  else CHECK(WEXITSTATUS(status) == 0);
}
