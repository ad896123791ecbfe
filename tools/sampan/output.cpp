#include "output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "utf8.h"

namespace sampan::cli {
namespace {

// Columns that a text takes: UTF-8 continuation bytes take none.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void Table::print(std::size_t first_right) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      line += (i > 0 ? "  " : "") + (i >= first_right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string safe_to_show(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const llm::Utf8Prefix prefix = llm::utf8_prefix(text);
    const std::string_view character = text.substr(0, prefix.size_bytes);
    const auto first = static_cast<unsigned char>(character[0]);
    const bool is_control =
        (first < 0x20 && first != '\n' && first != '\t') || first == 0x7f ||
        (character.size() == 2 && first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
    if (prefix.start == llm::Utf8Start::kCharacter && !is_control) {
      out += character;
    } else {
      for (const char byte : character) {
        char escaped[8];
        std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(byte));
        out += escaped;
      }
    }
    text.remove_prefix(prefix.size_bytes);
  }
  return out;
}

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (is_terminal_ && last_percent_ >= 0) std::fprintf(stderr, "\r\033[K");
}

void ProgressLine::update(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  if (!is_terminal_ || total_bytes == 0) return;
  const int percent = static_cast<int>(done_bytes * 100 / total_bytes);
  if (percent == last_percent_) return;
  last_percent_ = percent;
  constexpr int kCells = 30;
  const int full = percent * kCells / 100;
  std::fprintf(stderr, "\r%s [%s%s] %3d %% of %s", what_.c_str(), std::string(full, '#').c_str(),
               std::string(kCells - full, '.').c_str(), percent, human_bytes(total_bytes).c_str());
}

}  // namespace sampan::cli
