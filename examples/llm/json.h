#pragma once

#include <simdjson.h>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sampan::llm {

/// Where a JSON text comes from, for messages and limits.
struct JsonSource {
  std::string_view file;                       ///< name of the file
  std::uint64_t first_byte = 0;                ///< offset of the text within the file
  std::size_t max_depth = 4;                   ///< how deep arrays and objects may nest
  std::string_view remedy = "fetch it again";  ///< what to do when the text is no JSON
};

/// Parses `text`, which must hold one JSON object and nothing else. The result lives in `parser`.
/// Memory used is proportional to the size of `text`, whatever it says.
/// Throws ModelError: not JSON (with the offset of the first fault where it can be found; NaN and
/// Infinity are no JSON), not UTF-8, too deep, not an object, or out of memory.
[[nodiscard]] simdjson::dom::object parse_json_object(simdjson::dom::parser& parser,
                                                      const simdjson::padded_string& text,
                                                      const JsonSource& source);

}  // namespace sampan::llm
