#include "json.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "model_error.h"

namespace sampan::llm {
namespace {

// Accepts everything and keeps nothing but the position of the first error. simdjson's parser,
// which decides, doesn't say where it failed.
class ErrorFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    if (position > 0) offset_bytes = position - 1;
    return false;
  }

  std::optional<std::size_t> offset_bytes;
};

[[noreturn]] void fail_json(std::string_view text, const JsonSource& source,
                            simdjson::error_code code) {
  ErrorFinder finder;
  if (code != simdjson::MEMALLOC && code != simdjson::DEPTH_ERROR) {
    nlohmann::json::sax_parse(text, &finder);
  }
  const std::string where =
      finder.offset_bytes ? " at byte " + std::to_string(source.first_byte + *finder.offset_bytes)
                          : "";
  fail(source.file, "is not valid JSON", where, " (", simdjson::error_message(code), "); ",
       source.remedy);
}

}  // namespace

simdjson::dom::object parse_json_object(simdjson::dom::parser& parser,
                                        const simdjson::padded_string& text,
                                        const JsonSource& source) {
  simdjson::error_code code = parser.allocate(text.size(), source.max_depth);
  simdjson::dom::element root;
  if (!code) code = parser.parse(text).get(root);
  if (code) fail_json({text.data(), text.size()}, source, code);
  simdjson::dom::object object;
  if (root.get_object().get(object)) {
    fail(source.file, "holds JSON that is not an object at byte ", source.first_byte, "; ",
         source.remedy);
  }
  return object;
}

}  // namespace sampan::llm
