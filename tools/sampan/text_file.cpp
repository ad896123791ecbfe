#include "text_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace sampan::cli {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

[[noreturn]] void fail(const std::string& path, int code) {
  throw std::runtime_error(path + ": it can't be read (" + std::generic_category().message(code) +
                           "); check the path");
}

}  // namespace

std::string read_text_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (!file) fail(path, errno);
  std::string text;
  std::array<char, 64 * 1024> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), got);
    if (text.size() > kMaxBytes) {
      throw std::runtime_error(path + ": it holds more than 64 MiB; give a smaller text");
    }
  }
  if (std::ferror(file.get()) != 0) fail(path, errno);
  return text;
}

}  // namespace sampan::cli
