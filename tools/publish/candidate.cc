// SPDX-License-Identifier: Apache-2.0
#include "candidate.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "cause.h"

namespace tickmlp::publish {
namespace {

constexpr std::size_t kMostSignatureBytes = 4096;  // minisign's comments have at most 1,024 and 8,192 of it are unusual
constexpr std::size_t kSignatureBytes = 74;        // algorithm 2, key id 8, Ed25519 64
constexpr std::size_t kGlobalSignatureBytes = 64;

using Model = std::unique_ptr<tickmlp_model, decltype(&tickmlp_model_free)>;

Interface interface_of_model(const tickmlp_model* model) {
  const tickmlp_model_info& info = *tickmlp_model_describe(model);
  return {info.inputs, info.outputs, info.window_rows, info.window_columns};
}

std::string read_file(const std::string& path, std::size_t most) {
  std::ifstream stream(path, std::ios::binary);
  std::string bytes(most + 1, '\0');
  if (!stream || (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) && !stream.eof()))
    refuse_errno(kRefusedInput, "cannot read " + path, "expected a readable file");
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

std::string sha256(const std::string& bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string hexadecimal(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
  return text;
}

// Decoded base64 of exactly `bytes` bytes, or an empty string.
std::string decode(const std::string& text, std::size_t bytes) {
  if (text.size() != (bytes + 2) / 3 * 4) return {};
  std::vector<unsigned char> decoded(text.size());
  const int count = EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()));
  return count < static_cast<int>(bytes) ? std::string()
                                         : std::string(decoded.begin(), decoded.begin() + static_cast<long>(bytes));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

std::string Interface::text() const {
  return std::to_string(inputs) + " inputs, " + std::to_string(outputs) + " outputs, window " +
         std::to_string(window_rows) + "x" + std::to_string(window_columns);
}

Candidate read_candidate(const std::string& path) {
  tickmlp_error error{};
  tickmlp_model* loaded = nullptr;
  if (const tickmlp_status status = tickmlp_model_load(path.c_str(), nullptr, &loaded, &error))
    refuse(kRefusedInput, path + ": " + tickmlp_status_name(status) + ": " + error.message);
  const Model model(loaded, &tickmlp_model_free);
  const tickmlp_model_info& info = *tickmlp_model_describe(loaded);
  if (!is_publishable(info.name))
    refuse(kOtherModel, path + " is named \"" + info.name +
                            "\"; expected letters, digits and ._+-, the first a letter or digit (--name at export)");
  std::string bytes = read_file(path, info.blob_bytes);
  const std::string digest = sha256(bytes);
  if (std::memcmp(digest.data(), info.blob_sha256, digest.size()) != 0)
    refuse(kRefusedInput, path + " changed while it was read; expected a file that nobody writes to");
  return {{info.name, info.generation, hexadecimal(digest.substr(0, 4))}, interface_of_model(loaded), std::move(bytes)};
}

bool interface_of(const std::string& bytes, Interface* out) {
  tickmlp_model* loaded = nullptr;
  if (tickmlp_model_load_bytes(bytes.data(), bytes.size(), nullptr, &loaded, nullptr) != TICKMLP_OK) return false;
  const Model model(loaded, &tickmlp_model_free);
  *out = interface_of_model(loaded);
  return true;
}

std::string read_signature(const std::string& path, const PublishedName& name) {
  std::string text = read_file(path, kMostSignatureBytes);
  const std::vector<std::string> lines = lines_of(text);
  const auto wrong = [&](const std::string& seen) { refuse(kWrongSignature, path + ": " + seen); };
  if (lines.size() != 4 || text.size() > kMostSignatureBytes || !lines[0].starts_with("untrusted comment: "))
    wrong("no minisign signature; expected its four lines (minisign -S)");
  const std::string signature = decode(lines[1], kSignatureBytes);
  if (signature.empty() || decode(lines[3], kGlobalSignatureBytes).empty())
    wrong("the signature is damaged; expected base64 of 74 and of 64 bytes in lines 2 and 4");
  if (!signature.starts_with("ED")) wrong("algorithm " + signature.substr(0, 2) + "; expected ED, prehashed (no -l)");
  const std::string expected = "trusted comment: name=" + name.name + " generation=" + std::to_string(name.generation);
  if (lines[2] != expected && !lines[2].starts_with(expected + " "))
    wrong("\"" + lines[2] + "\"; expected \"" + expected + "\" (minisign -S -t)");
  return text;
}

}  // namespace tickmlp::publish
