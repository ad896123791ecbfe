#include "core/manifest.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/backend.h"

namespace sampan::core {
namespace {

using Json = nlohmann::json;

// Reads a member, or says what is wrong with it.
bool read(const Json& object, const char* key, std::string& out, std::string& problem) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string() || it->get_ref<const std::string&>().empty()) {
    problem = std::string("\"") + key + "\" must be a non-empty string";
    return false;
  }
  out = it->get<std::string>();
  return true;
}

bool read(const Json& object, const char* key, std::uint32_t& out, std::string& problem) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_unsigned() || it->get<std::uint64_t>() > 0xffff) {
    problem = std::string("\"abi\": \"") + key + "\" must be a whole number up to 65535";
    return false;
  }
  out = it->get<std::uint32_t>();
  return true;
}

bool read_abi(const Json& object, Manifest& out, std::string& problem) {
  const auto it = object.find("abi");
  if (it == object.end() || !it->is_object()) {
    problem = "\"abi\" must be an object with major, minor_min and minor_max";
    return false;
  }
  if (!read(*it, "major", out.abi_major, problem) ||
      !read(*it, "minor_min", out.minor_min, problem) ||
      !read(*it, "minor_max", out.minor_max, problem)) {
    return false;
  }
  if (out.minor_min > out.minor_max) problem = "\"abi\": \"minor_min\" is above \"minor_max\"";
  return problem.empty();
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string check_texts(const Manifest& manifest) {
  if (!is_backend_name(manifest.name)) {
    return "\"name\" must be up to 31 characters of a-z, 0-9 and _";
  }
  if (manifest.path.find('\0') != std::string::npos) return "\"path\" holds a zero character";
  if (!manifest.sha256.empty() && !is_sha256(manifest.sha256)) {
    return "\"sha256\" must be 64 digits of lower-case hex";
  }
  return {};
}

}  // namespace

std::optional<Manifest> parse_manifest(std::string_view text, std::string& problem) {
  if (text.size() > kMaxManifestBytes) {
    problem = "it is larger than 64 KiB";
    return std::nullopt;
  }
  // Deep nesting would recurse in the parser's destructor; a manifest has two levels.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 8; };
  Json json;
  try {
    json = Json::parse(text, shallow);
  } catch (const Json::parse_error& error) {
    problem = "it is not JSON (byte " + std::to_string(error.byte) + ")";
    return std::nullopt;
  } catch (const Json::exception&) {
    problem = "it holds a number that is out of range";
    return std::nullopt;
  }
  if (!json.is_object()) {
    problem = "it is not a JSON object";
    return std::nullopt;
  }
  Manifest manifest;
  problem.clear();
  if (!read(json, "name", manifest.name, problem) || !read_abi(json, manifest, problem) ||
      !read(json, "path", manifest.path, problem)) {
    return std::nullopt;
  }
  if (json.contains("sha256") && !read(json, "sha256", manifest.sha256, problem)) {
    return std::nullopt;
  }
  problem = check_texts(manifest);
  if (!problem.empty()) return std::nullopt;
  return manifest;
}

std::string untrusted_reason(const std::filesystem::path& file) {
  const auto reason = [](const std::filesystem::path& path, bool is_file) -> std::string {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return path.string() + " can't be read";
    if (is_file && !S_ISREG(info.st_mode)) return path.string() + " is not a regular file";
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
      return path.string() + " belongs to another user";
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      return path.string() + " can be written by others; run chmod go-w on it";
    }
    return {};
  };
  std::string found = reason(file, true);
  if (found.empty()) found = reason(file.parent_path(), false);
  std::error_code failed;
  const auto real = std::filesystem::canonical(file, failed);
  if (found.empty() && !failed) found = reason(real.parent_path(), false);
  return found;
}

std::string file_sha256(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!in || !context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  std::array<char, 65536> chunk{};
  while (in.read(chunk.data(), chunk.size()) || in.gcount() > 0) {
    EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(in.gcount()));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (in.bad() || EVP_DigestFinal_ex(context.get(), digest.data(), &size) != 1) return {};
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace sampan::core
