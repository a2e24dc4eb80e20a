// SPDX-License-Identifier: Apache-2.0
#include "npy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "cli.h"

namespace tickmlp::bench {
namespace {

static_assert(sizeof(float) == 4);
constexpr std::string_view kMagic("\x93NUMPY", 6);

// Walks the header, a Python dict literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (9, 420), }.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool take(char wanted) {
    skip_blanks();
    if (text_.empty() || text_[0] != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail(std::string("expected '") + wanted + "' at \"" + printable(text_.substr(0, 24)) + "\"");
  }
  std::string_view quoted() {
    skip_blanks();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) fail("expected a quoted word");
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) fail("a quoted word without its end");
    const std::string_view word = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return word;
  }
  bool boolean() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}})
      if (text_.substr(0, word.size()) == word) return text_.remove_prefix(word.size()), value;
    fail("expected True or False at \"" + printable(text_.substr(0, 24)) + "\"");
  }
  std::vector<std::uint64_t> shape() {
    std::vector<std::uint64_t> dimensions;
    expect('(');
    while (!take(')')) {
      dimensions.push_back(integer());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return dimensions;
  }
  // The dict ends here; numpy fills up with blanks and one newline.
  void expect_end() {
    skip_blanks();
    if (!text_.empty()) fail("expected the end of the header at \"" + printable(text_.substr(0, 24)) + "\"");
  }
  [[noreturn]] void fail(const std::string& what) const { refuse(name_ + ": malformed .npy header: " + what); }

 private:
  void skip_blanks() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  std::uint64_t integer() {
    skip_blanks();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) fail("expected a dimension at \"" + printable(text_.substr(0, 24)) + "\"");
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  std::string_view text_;
  const std::string& name_;
};

struct Header {
  std::optional<std::string_view> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
};

Header parse_header(std::string_view text, const std::string& name) {
  Header header;
  HeaderReader reader(text, name);
  reader.expect('{');
  while (!reader.take('}')) {
    const std::string_view key = reader.quoted();
    reader.expect(':');
    if (key == "descr" && reader.take('['))
      refuse(name + ": element type is a structure; expected float32, little-endian ('<f4')");
    if (key == "descr" && !header.type) header.type = reader.quoted();
    else if (key == "fortran_order" && !header.fortran_order) header.fortran_order = reader.boolean();
    else if (key == "shape" && !header.shape) header.shape = reader.shape();
    else reader.fail("unknown or repeated key \"" + printable(key) + "\"");
    if (!reader.take(',')) {
      reader.expect('}');
      break;
    }
  }
  reader.expect_end();
  if (!header.type || !header.fortran_order || !header.shape)
    reader.fail("a key is missing; expected descr, fortran_order and shape");
  return header;
}

std::string describe_shape(const std::vector<std::uint64_t>& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::string describe_type(std::string_view type) {
  const std::string quoted = "'" + printable(type) + "'";
  if (type == "<f8" || type == ">f8") return quoted + " (float64)";
  if (type == ">f4") return quoted + " (big-endian float32)";
  if (type == "<f2") return quoted + " (float16)";
  return quoted;
}

void check_header(const Header& header, std::uint64_t columns, const std::string& name) {
  if (*header.type != "<f4")
    refuse(name + ": element type is " + describe_type(*header.type) + "; expected '<f4' (float32, little-endian)");
  if (*header.fortran_order) refuse(name + ": array is in Fortran order; expected C order (numpy.ascontiguousarray)");
  const std::vector<std::uint64_t>& shape = *header.shape;
  const std::string wanted = "(states, " + (columns ? std::to_string(columns) : "inputs") + ")";
  if (shape.size() != 2 || shape[1] == 0 || (columns != 0 && shape[1] != columns))
    refuse(name + ": shape is " + describe_shape(shape) + "; expected " + wanted);
  if (shape[0] == 0) refuse(name + ": no states; expected at least one row");
  if (shape[0] > (UINT64_MAX >> 3) / shape[1]) refuse(name + ": shape " + describe_shape(shape) + " is too large");
}

// Where the values begin. Version 1 has a 2-byte header length, version 2 a 4-byte one.
std::size_t data_offset(std::string_view file, const std::string& name, std::string_view* header) {
  if (file.size() < 10 || file.substr(0, 6) != kMagic)
    refuse(name + ": not a .npy file (" + std::to_string(file.size()) +
           " bytes); expected it to begin with \\x93NUMPY");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(file[i])); };
  if ((byte(6) != 1 && byte(6) != 2) || byte(7) != 0)
    refuse(name + ": .npy version " + std::to_string(byte(6)) + "." + std::to_string(byte(7)) +
           "; expected 1.0 or 2.0");
  const std::size_t begin = byte(6) == 1 ? 10 : 12;
  if (file.size() < begin) refuse(name + ": truncated inside the .npy header");
  std::size_t length = byte(8) | byte(9) << 8;
  if (begin == 12) length |= byte(10) << 16 | byte(11) << 24;
  if (file.size() - begin < length)
    refuse(name + ": truncated inside the .npy header: " + std::to_string(file.size()) + " bytes; expected at least " +
           std::to_string(begin + length));
  *header = file.substr(begin, length);
  return begin + length;
}

constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;  // of values; they are held in memory
constexpr std::size_t kMostHeader = 12 + 65536;               // a header of version 1 can have no more

// A regular file, open for reading.
struct Source {
  int descriptor;
  std::uint64_t bytes;
  std::string name;

  explicit Source(const std::string& path) : name(printable(path)) {
    descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not hang us
    if (descriptor < 0) refuse("cannot read " + name + ": " + std::strerror(errno));
    struct stat status {};
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
      close(descriptor);
      refuse("cannot read " + name + ": it is not a regular file");
    }
    bytes = static_cast<std::uint64_t>(status.st_size);
  }
  ~Source() { close(descriptor); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void read(void* into, std::uint64_t count, std::uint64_t from) const {
    for (std::uint64_t done = 0; done < count;) {
      const ssize_t got =
          pread(descriptor, static_cast<char*>(into) + done, count - done, static_cast<off_t>(from + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse("cannot read " + name + ": " + std::strerror(errno));
      if (got == 0) refuse(name + ": it shrank to " + std::to_string(from + done) + " bytes while it was read");
      done += static_cast<std::uint64_t>(got);
    }
  }
};

// An empty matrix of the header's shape, once `file_bytes` are known to be exactly what that needs.
Matrix checked_matrix(std::string_view beginning, std::uint64_t file_bytes, std::uint64_t columns,
                      const std::string& name, std::size_t* offset) {
  std::string_view text;
  *offset = data_offset(beginning, name, &text);
  const Header header = parse_header(text, name);
  check_header(header, columns, name);
  Matrix matrix{(*header.shape)[0], (*header.shape)[1], {}};
  const std::uint64_t seen = file_bytes - *offset, expected = matrix.rows * matrix.columns * sizeof(float);
  if (seen != expected)
    refuse(name + ": " + std::to_string(seen) + " bytes of values; expected exactly " + std::to_string(expected) +
           " for shape " + describe_shape(*header.shape) + (seen < expected ? " (truncated)" : " (trailing bytes)"));
  if (expected > kMostBytes)
    refuse(name + ": " + std::to_string(expected) + " bytes of values; expected at most " + std::to_string(kMostBytes) +
           ", so split it");
  return matrix;
}

}  // namespace

Matrix parse_npy(std::string_view file, std::uint64_t columns, const std::string& name) {
  std::size_t offset = 0;
  Matrix matrix = checked_matrix(file, file.size(), columns, name, &offset);
  matrix.values.resize(matrix.rows * matrix.columns);
  std::memcpy(matrix.values.data(), file.data() + offset, matrix.values.size() * sizeof(float));
  return matrix;
}

// The header first, so that a file's size is believed only when it is what the shape says.
Matrix read_npy(const std::string& path, std::uint64_t columns) {
  const Source source(path);
  std::string beginning(std::min<std::uint64_t>(source.bytes, kMostHeader), '\0');
  source.read(beginning.data(), beginning.size(), 0);
  std::size_t offset = 0;
  Matrix matrix = checked_matrix(beginning, source.bytes, columns, source.name, &offset);
  matrix.values.resize(matrix.rows * matrix.columns);
  source.read(matrix.values.data(), matrix.values.size() * sizeof(float), offset);
  return matrix;
}

std::string npy_header(std::uint64_t rows, std::uint64_t columns) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                     std::to_string(columns) + "), }";
  while ((10 + text.size() + 1) % 64 != 0) text += ' ';  // numpy aligns the values to 64 bytes
  text += '\n';
  std::string header(kMagic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)};
  return header + text;
}

}  // namespace tickmlp::bench
