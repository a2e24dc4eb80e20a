// SPDX-License-Identifier: Apache-2.0
// Signatures: whose, over what, and every way to damage one. tests/watch has minisign's own.
#include "published_folder.h"

using namespace tickmlp;
using namespace tickmlp::testing;

namespace {

constexpr const char* kName = "strategic-int8";
constexpr const char* kComment = "name=strategic generation=2";

// A watch that wants the first signer's signature, and generation 2 published without any.
struct Scene {
  PublishedFolder folder;
  Signer signer{1}, other{2};
  std::string key = signer.public_line();
  std::vector<uint8_t> blob = variant(kName, 2, 2);
  std::string name = folder.publish(blob), good = signer.sign(blob, kComment);
  Watched watched;

  Scene() : watched(folder, load_variant(kName, 1, 1), options()) {}
  tickmlp_watch_options options() const {
    tickmlp_watch_options options = {};
    options.public_key = key.c_str();
    return options;
  }
  void sign(const std::string& text) const { folder.put(name + ".minisig", text); }
  // Refused in a look; told or not, since many of these in a row say the same.
  bool is_wrong(const std::string& text) {
    sign(text);
    return watched.look() == TICKMLP_SIGNATURE_WRONG && watched.generation() == 1;
  }
};

std::string line_of(const std::string& text, int number) {
  size_t begin = 0;
  for (int i = 0; i < number; ++i) begin = text.find('\n', begin) + 1;
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string with_line(const std::string& text, int number, const std::string& line) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += (i == number ? line : line_of(text, i)) + "\n";
  return out;
}

std::string decoded(const std::string& line) {
  std::string bytes(200, '\0');
  size_t count = 0;
  REQUIRE(sodium_base642bin(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size(), line.data(), line.size(), nullptr,
                            &count, nullptr, sodium_base64_VARIANT_ORIGINAL) == 0);
  bytes.resize(count);
  return bytes;
}

}  // namespace

TEST_CASE("unsigned, then signed: a signature that comes late is seen") {
  Scene scene;
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_MISSING, scene.name + ".minisig"));
  CHECK(scene.watched.look() == TICKMLP_SIGNATURE_MISSING);
  CHECK(scene.watched.report.event == TICKMLP_WATCH_SAME);
  CHECK(scene.watched.report.has_signature == 0);
  scene.sign(scene.good);
  CHECK(scene.watched.takes(2));
  CHECK(scene.watched.report.has_signature == 1);
}

TEST_CASE("a signature is by this key, for this blob, and not legacy") {
  Scene scene;
  scene.sign(scene.other.sign(scene.blob, kComment));
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_WRONG,
                              "signed with key 0207060504030201; expected key 0107060504030201"));
  Signer disguised(2);  // another key under the right key's number
  disguised.id[7] = scene.signer.id[7];
  scene.sign(disguised.sign(scene.blob, kComment));
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_WRONG, "not one over these bytes"));
  scene.sign(scene.signer.sign(variant(kName, 3, 3), "name=strategic generation=3"));
  CHECK(scene.watched.look() == TICKMLP_SIGNATURE_WRONG);
  scene.sign(scene.signer.sign(scene.blob, kComment, "Ed"));
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_WRONG, "a legacy signature"));
  scene.sign(scene.signer.sign(scene.blob, kComment, "EX"));
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_WRONG, "algorithm is unknown"));
  for (const char* comment :
       {"", "name=strategic generation=3", "name=strategic generation=21", "name=strategic", "generation=2",
        "name=tactical generation=2", "generation=2 name=strategic", "name=strategic generation=02",
        "name=strategic  generation=2", "timestamp:1 file:x hashed", "x name=strategic generation=2"}) {
    scene.sign(scene.signer.sign(scene.blob, comment));
    CAPTURE(comment);
    CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_WRONG, "expected \"name=strategic generation=2\""));
  }
  scene.sign(scene.signer.sign(scene.blob, std::string(kComment) + " run=42 desk=tokyo"));
  CHECK(scene.watched.takes(2));
}

TEST_CASE("every bit of both signatures flipped") {
  Scene scene;
  int flipped = 0;
  for (const int number : {1, 3}) {
    const std::string bytes = decoded(line_of(scene.good, number));
    CHECK(bytes.size() == (number == 1 ? 74 : 64));
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit, ++flipped) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      CAPTURE(number);
      CAPTURE(bit);
      CHECK(scene.is_wrong(with_line(scene.good, number, Signer::base64(damaged))));
    }
  }
  CHECK(flipped == 138 * 8);
  scene.sign(scene.good);
  CHECK(scene.watched.takes(2));
}

TEST_CASE("a signature cut at every length, with bytes behind it, and with every line damaged") {
  Scene scene;
  for (size_t length = 1; length < scene.good.size(); ++length) {
    CAPTURE(length);
    CHECK(scene.is_wrong(scene.good.substr(0, length)));
  }
  for (const char* more : {"\n", " ", "x", "untrusted comment: \n"}) CHECK(scene.is_wrong(scene.good + more));
  for (int number = 0; number < 4; ++number) {
    const std::string line = line_of(scene.good, number);
    CAPTURE(number);
    CHECK(scene.is_wrong(with_line(scene.good, number, "")));
    CHECK(scene.is_wrong(with_line(scene.good, number, "x" + line)));
    CHECK(scene.is_wrong(with_line(scene.good, number, line + "\n")));
    if (number == 0) continue;  // what follows "untrusted comment: " is anybody's
    CHECK(scene.is_wrong(with_line(scene.good, number, line + "x")));
    CHECK(scene.is_wrong(with_line(scene.good, number, line + "\r")));
    for (size_t at = 0; at < line.size(); ++at) {
      std::string damaged = line;
      damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
      CAPTURE(at);
      CHECK(scene.is_wrong(with_line(scene.good, number, damaged)));
    }
  }
  CHECK(scene.is_wrong(std::string(5000, '\n')));
  CHECK(scene.is_wrong(std::string(5000, '\0')));
  scene.sign(with_line(scene.good, 0, "untrusted comment: whatever"));
  CHECK(scene.watched.takes(2));
}

TEST_CASE("the longest signature, and one byte more") {
  Scene scene;
  const std::string longest = scene.signer.sign(scene.blob, std::string(kComment) + " " + std::string(8000, 'x'));
  scene.sign(longest + std::string(10241 - longest.size(), 'x'));
  CHECK(scene.watched.refuses(TICKMLP_FILE_SIZE, "10241 bytes"));
  scene.sign(longest);
  CHECK(scene.watched.takes(2));
}

TEST_CASE("a rollback and the first model need their signatures too") {
  Scene scene;
  tickmlp_model* model = nullptr;
  tickmlp_watch_report report;
  const tickmlp_watch_options options = scene.options();
  const std::string path = scene.folder.path;
  CHECK(tickmlp_watch_load_current(path.c_str(), &options, &model, &report) == TICKMLP_SIGNATURE_MISSING);
  CHECK(model == nullptr);
  scene.sign(scene.good);
  REQUIRE(tickmlp_watch_load_current(path.c_str(), &options, &model, &report) == TICKMLP_OK);
  CHECK(report.has_signature == 1);
  tickmlp_model_free(model);
  CHECK(scene.watched.takes(2));
  const std::string old = scene.folder.put(variant(kName, 1, 5));
  scene.folder.point(old + " rollback-from 2");
  CHECK(scene.watched.refuses(TICKMLP_SIGNATURE_MISSING));
}
