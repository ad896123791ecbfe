#include "transfer.h"

#include <cstring>
#include <vector>

#include "machine.h"

namespace sampan::emulator {
namespace {

bool is_empty(const Copy& copy) {
  return copy.row_bytes == 0 || copy.rows == 0 || copy.layers == 0;
}

/// Bytes from the first to behind the last.
std::size_t extent(const Copy& copy, std::size_t pitch, std::size_t layer_pitch) {
  return (copy.layers - 1) * layer_pitch + (copy.rows - 1) * pitch + copy.row_bytes;
}

void check_place(std::uint64_t address, std::size_t bytes, Place place) {
  require(
      place == Place::any || is_device_address(address) == (place == Place::device) ||
          // A device's view of pinned memory is the memory's own address.
          (place == Place::device && Machine::of_library().memory.is_known_host(address, bytes)),
      Status::invalid_value);
  if (!is_device_address(address)) {
    require(address != 0, Status::invalid_value);
    return;
  }
  require(static_cast<bool>(Machine::of_library().memory.find(address, bytes)),
          Status::invalid_value);
}

/// Keeps device memory mapped while it is used.
Held hold(std::uint64_t address, std::size_t bytes) {
  if (!is_device_address(address)) return {};
  Held held = Machine::of_library().memory.find_for_run(address, bytes);
  require(static_cast<bool>(held), Status::illegal_address);
  return held;
}

bool is_pageable(std::uint64_t address, std::size_t bytes) {
  return !is_device_address(address) && !Machine::of_library().memory.is_known_host(address, bytes);
}

/// Reads the source into memory of its own, which the copy then uses.
std::shared_ptr<std::vector<std::byte>> stage(Copy& copy) {
  auto staged = std::make_shared<std::vector<std::byte>>(copy.row_bytes * copy.rows * copy.layers);
  Copy reading = copy;
  reading.dst = address_of(staged->data());
  reading.dst_pitch = copy.row_bytes;
  reading.dst_layer_pitch = copy.row_bytes * copy.rows;
  run_copy(reading);
  copy.src = reading.dst;
  copy.src_pitch = reading.dst_pitch;
  copy.src_layer_pitch = reading.dst_layer_pitch;
  return staged;
}

template <typename Element>
void fill_row(std::byte* row, Element value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::memcpy(row + i * sizeof value, &value, sizeof value);
}

}  // namespace

void check_copy(const Copy& copy, Place dst, Place src) {
  if (is_empty(copy)) return;
  const bool plane = copy.rows > 1 || copy.layers > 1;
  require(!plane || (copy.dst_pitch >= copy.row_bytes && copy.src_pitch >= copy.row_bytes),
          Status::invalid_value);
  check_place(copy.dst, extent(copy, copy.dst_pitch, copy.dst_layer_pitch), dst);
  check_place(copy.src, extent(copy, copy.src_pitch, copy.src_layer_pitch), src);
}

void check_fill(const Fill& fill) {
  require(fill.element_bytes == 1 || fill.element_bytes == 2 || fill.element_bytes == 4,
          Status::invalid_value);
  require(fill.dst % fill.element_bytes == 0, Status::invalid_value);
  if (fill.count == 0 || fill.rows == 0) return;
  const std::size_t row = fill.count * fill.element_bytes;
  require(fill.rows == 1 || (fill.pitch >= row && fill.pitch % fill.element_bytes == 0),
          Status::invalid_value);
  check_place(fill.dst, (fill.rows - 1) * fill.pitch + row, Place::device);
}

void run_copy(const Copy& copy) {
  if (is_empty(copy)) return;
  const auto dst_block = hold(copy.dst, extent(copy, copy.dst_pitch, copy.dst_layer_pitch));
  const auto src_block = hold(copy.src, extent(copy, copy.src_pitch, copy.src_layer_pitch));
  for (std::size_t layer = 0; layer < copy.layers; ++layer) {
    for (std::size_t row = 0; row < copy.rows; ++row) {
      std::memmove(real(copy.dst) + layer * copy.dst_layer_pitch + row * copy.dst_pitch,
                   real(copy.src) + layer * copy.src_layer_pitch + row * copy.src_pitch,
                   copy.row_bytes);
    }
  }
}

void run_fill(const Fill& fill) {
  if (fill.count == 0 || fill.rows == 0) return;
  const auto block = hold(fill.dst, (fill.rows - 1) * fill.pitch + fill.count * fill.element_bytes);
  for (std::size_t row = 0; row < fill.rows; ++row) {
    std::byte* const begin = real(fill.dst) + row * fill.pitch;
    if (fill.element_bytes == 1)
      std::memset(begin, static_cast<int>(fill.value & 0xff), fill.count);
    if (fill.element_bytes == 2)
      fill_row(begin, static_cast<std::uint16_t>(fill.value), fill.count);
    if (fill.element_bytes == 4) fill_row(begin, fill.value, fill.count);
  }
}

void push_copy(Stream& stream, Copy copy) {
  if (is_empty(copy)) return;
  std::shared_ptr<std::vector<std::byte>> staged;
  if (is_pageable(copy.src, extent(copy, copy.src_pitch, copy.src_layer_pitch)))
    staged = stage(copy);
  const bool blocks = is_pageable(copy.dst, extent(copy, copy.dst_pitch, copy.dst_layer_pitch));
  const std::uint64_t number = stream.context().push(stream, {[copy, staged] { run_copy(copy); }});
  if (blocks) stream.wait(number);
}

}  // namespace sampan::emulator
