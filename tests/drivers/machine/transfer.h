// Copies and fills between host and device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "context.h"
#include "memory.h"
#include "stream.h"

namespace sampan::emulator {

/// A box of rows. Addresses of devices carry kDeviceBit, all others are the host's.
struct Copy {
  std::uint64_t dst = 0, src = 0;
  std::size_t row_bytes = 0;
  std::size_t rows = 1, layers = 1;
  std::size_t dst_pitch = 0, src_pitch = 0;              ///< bytes from row to row; rows > 1 only
  std::size_t dst_layer_pitch = 0, src_layer_pitch = 0;  ///< layers > 1 only
};

/// `rows` rows of `count` elements.
struct Fill {
  std::uint64_t dst = 0;
  std::uint32_t value = 0;
  unsigned element_bytes = 1;  ///< 1, 2 or 4
  std::size_t count = 0, rows = 1;
  std::size_t pitch = 0;  ///< bytes
};

/// What a caller promised an address to be.
enum class Place { any, device, host };

/// Throw Refusal{invalid_value}: device bytes that belong to no live block, a host address where a
/// device's belongs or the other way round, a pitch less than a row, a fill that isn't aligned.
void check_copy(const Copy& copy, Place dst, Place src);
void check_fill(const Fill& fill);

/// Do it now. Throw Refusal{illegal_address} where a block has gone since the check.
void run_copy(const Copy& copy);
void run_fill(const Fill& fill);

/// Appends a checked copy. As with real drivers, a source in pageable host memory has been read
/// when this returns, and a destination there has been written.
void push_copy(Stream& stream, Copy copy);

}  // namespace sampan::emulator
