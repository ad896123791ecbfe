#include "support.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <new>

#include "model_error.h"
#include "utf8.h"

namespace {

std::atomic<std::size_t> g_largest_bytes{0};

void* allocate(std::size_t size_bytes) noexcept {
  std::size_t seen = g_largest_bytes;
  while (size_bytes > seen && !g_largest_bytes.compare_exchange_weak(seen, size_bytes)) {
  }
  return std::malloc(std::max<std::size_t>(size_bytes, 1));
}

}  // namespace

// All forms, since a sanitizer's runtime brings its own of those that are left out.
void* operator new(std::size_t size_bytes) {
  if (void* const address = allocate(size_bytes)) return address;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size_bytes) { return operator new(size_bytes); }
void* operator new(std::size_t size_bytes, const std::nothrow_t&) noexcept {
  return allocate(size_bytes);
}
void* operator new[](std::size_t size_bytes, const std::nothrow_t&) noexcept {
  return allocate(size_bytes);
}
void operator delete(void* address) noexcept { std::free(address); }
void operator delete[](void* address) noexcept { std::free(address); }
void operator delete(void* address, std::size_t) noexcept { std::free(address); }
void operator delete[](void* address, std::size_t) noexcept { std::free(address); }
void operator delete(void* address, const std::nothrow_t&) noexcept { std::free(address); }
void operator delete[](void* address, const std::nothrow_t&) noexcept { std::free(address); }

namespace sampan::llm::test {

TempFolder::TempFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sampan-llm-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed for " + name);
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempFolder::write(std::string_view name, std::string_view bytes) const {
  const std::filesystem::path path = path_ / name;
  std::filesystem::remove(
      path);  // ext4 writes a file that is truncated and rewritten to disk at once
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  EXPECT_TRUE(out) << "cannot write " << path;
  return path;
}

std::string model_error(std::string_view file, const std::function<void()>& action) {
  constexpr std::size_t kMaxMessageBytes = 1000;
  try {
    action();
  } catch (const ModelError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with(std::string(file) + ": ")) << message;
    EXPECT_LE(message.size(), kMaxMessageBytes);
    EXPECT_EQ(find_invalid_utf8(message), std::string::npos) << message;
    EXPECT_TRUE(std::none_of(message.begin(), message.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    })) << message;
    EXPECT_NE(message.find("; "), std::string::npos) << "no way out in: " << message;
    return message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something else than ModelError: " << error.what();
    return "";
  }
  ADD_FAILURE() << "threw nothing";
  return "";
}

std::size_t largest_allocation_bytes(const std::function<void()>& action) {
  g_largest_bytes = 0;
  action();
  return g_largest_bytes;
}

std::string safetensors_bytes(std::string_view header, std::size_t data_bytes) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(header.size() >> shift & 0xFF);
  }
  bytes += header;
  for (std::size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string weights_file(const std::vector<ExpectedTensor>& tensors, std::string_view dtype,
                         std::uint64_t element_bytes) {
  std::string header = "{";
  std::uint64_t end_bytes = 0;
  for (const ExpectedTensor& tensor : tensors) {
    std::uint64_t size_bytes = element_bytes;
    std::string shape;
    for (const std::uint64_t extent : tensor.shape) {
      size_bytes *= extent;
      if (!shape.empty()) shape += ",";
      shape += std::to_string(extent);
    }
    const std::string offsets =
        std::to_string(end_bytes) + "," + std::to_string(end_bytes + size_bytes);
    header += (end_bytes == 0 ? "\"" : ",\"") + tensor.name + R"(":{"dtype":")" +
              std::string(dtype) + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets +
              "]}";
    end_bytes += size_bytes;
  }
  return safetensors_bytes(header + "}", end_bytes);
}

std::string json_object(const std::map<std::string, std::string>& fields) {
  std::string text = "{";
  for (const auto& [name, value] : fields) {
    text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + value;
  }
  return text + "}";
}

}  // namespace sampan::llm::test
