#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sampan::cli {

/// Rows of text in columns as wide as their widest cell; the first row is the heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Columns from `first_right` on are right-aligned.
  void print(std::size_t first_right) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// "23.4 GiB"
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

/// `text` made safe to show: control characters other than line breaks and tabs, and bytes that
/// aren't UTF-8, as \xNN. A compiler's log quotes the source, which may hold anything.
[[nodiscard]] std::string safe_to_show(std::string_view text);

/// A line on stderr that is rewritten in place; nothing if stderr is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ProgressLine(const ProgressLine&) = delete;
  ~ProgressLine();
  void update(std::uint64_t done_bytes, std::uint64_t total_bytes);

 private:
  std::string what_;
  bool is_terminal_;
  int last_percent_ = -1;
};

}  // namespace sampan::cli
