// SPDX-License-Identifier: Apache-2.0
// A published folder for one test, a signer, and a watch over it.
#pragma once

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "../runtime/watch/tickmlp_watch.h"
#include "swap_models.h"

namespace tickmlp::testing {

namespace fs = std::filesystem;

inline void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary).write(text.data(), static_cast<long>(text.size()));
  fs::permissions(path, fs::perms(0644));
}

// Goes away with the test. Files appear whole, by rename, as a publisher makes them.
struct PublishedFolder {
  fs::path path;
  PublishedFolder() {
    char name[] = "/tmp/tickmlp-watch-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~PublishedFolder() { fs::remove_all(path); }
  PublishedFolder(const PublishedFolder&) = delete;

  static std::string name_of(std::vector<uint8_t> bytes) {
    uint8_t digest[32];
    sha256(bytes.data(), bytes.size(), nullptr, 0, digest);
    char sha8[9];
    std::snprintf(sha8, sizeof sha8, "%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
    return std::string(header_of(bytes).name) + "-" + std::to_string(header_of(bytes).generation) + "-" + sha8 +
           ".blob";
  }
  void put(const std::string& name, const std::string& text) const {
    write_text(path / ".tmp", text);
    fs::rename(path / ".tmp", path / name);
  }
  std::string put(const std::vector<uint8_t>& bytes) const {
    const std::string name = name_of(bytes);
    put(name, std::string(bytes.begin(), bytes.end()));
    return name;
  }
  void point(const std::string& line) const { put("current", line + "\n"); }
  std::string publish(const std::vector<uint8_t>& bytes) const {
    const std::string name = put(bytes);
    point(name);
    return name;
  }
};

// An Ed25519 key pair that signs as minisign does.
struct Signer {
  uint8_t id[8] = {1, 2, 3, 4, 5, 6, 7, 8}, key[32], secret[64];
  explicit Signer(uint8_t seed) {
    uint8_t bytes[32] = {seed};
    id[7] = seed;
    crypto_sign_ed25519_seed_keypair(key, secret, bytes);
  }
  static std::string base64(const std::string& bytes) {
    std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    text.pop_back();  // the NUL
    return text;
  }
  std::string signature(const std::string& message) const {
    uint8_t bytes[64];
    crypto_sign_ed25519_detached(bytes, nullptr, reinterpret_cast<const uint8_t*>(message.data()), message.size(),
                                 secret);
    return {reinterpret_cast<char*>(bytes), sizeof bytes};
  }
  std::string id_text() const { return {reinterpret_cast<const char*>(id), 8}; }
  std::string public_line() const {
    return base64("Ed" + id_text() + std::string(reinterpret_cast<const char*>(key), 32));
  }
  std::string sign(const std::vector<uint8_t>& blob, const std::string& comment,
                   const std::string& algorithm = "ED") const {
    std::string message(blob.begin(), blob.end());
    if (algorithm == "ED") {
      uint8_t digest[64];
      crypto_generichash(digest, sizeof digest, blob.data(), blob.size(), nullptr, 0);
      message.assign(reinterpret_cast<char*>(digest), sizeof digest);
    }
    const std::string first = signature(message);
    return "untrusted comment: a test's\n" + base64(algorithm + id_text() + first) + "\ntrusted comment: " + comment +
           "\n" + base64(signature(first + comment)) + "\n";
  }
};

// A slot with a running model, and a watch that publishes to it.
struct Watched {
  Slot slot;
  tickmlp_watch* watch = nullptr;
  tickmlp_watch_report report = {};
  tickmlp_error error = {};
  Watched(const PublishedFolder& folder, tickmlp_model* first, tickmlp_watch_options options = {}) : slot(first) {
    options.swap = slot.swap;
    REQUIRE_MESSAGE(tickmlp_watch_create(folder.path.c_str(), &options, &watch, &error) == TICKMLP_OK,
                    std::string(error.message));
  }
  ~Watched() { tickmlp_watch_free(watch); }

  tickmlp_status look() {
    const tickmlp_status status = tickmlp_watch_poll(watch, &report);
    CHECK(status == report.error.status);
    return status;
  }
  uint64_t generation() const { return slot.state().generation; }
  bool says(const std::string& words) const {
    INFO(report.error.message);
    return std::string(report.error.message).find(words) != std::string::npos;
  }
  // Refused now for the first time; the running model answers as before.
  bool refuses(tickmlp_status expected, const std::string& words = "") {
    const uint64_t before = slot.state().number;
    const tickmlp_status seen = look();
    INFO(tickmlp_status_name(seen), ": ", report.error.message);
    CHECK(seen == expected);
    CHECK(says(words));
    return seen == expected && says(words) && report.event == TICKMLP_WATCH_REFUSED && slot.state().number == before &&
           golden_holds(slot.state().model);
  }
  bool takes(uint64_t expected) {
    const tickmlp_status seen = look();
    INFO(tickmlp_status_name(seen), ": ", report.error.message);
    CHECK(seen == TICKMLP_OK);
    return seen == TICKMLP_OK && report.event == TICKMLP_WATCH_TAKEN && generation() == expected &&
           report.running == expected && golden_holds(slot.state().model);
  }
};

}  // namespace tickmlp::testing
