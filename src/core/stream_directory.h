#pragma once

#include <memory>
#include <optional>

#include "core/memory/pool.h"

namespace sampan::core {

class StreamImpl;

/// Finds streams by key, so that freed memory can name the work that may still use it without
/// keeping the stream alive. A stream that is gone has completed all its work. Free-threaded.
class StreamDirectory {
 public:
  [[nodiscard]] static StreamKey add(const std::shared_ptr<StreamImpl>& stream);
  static void remove(StreamKey key) noexcept;

  /// Everything that the stream has been given so far; nullopt if the stream is gone.
  [[nodiscard]] static std::optional<StreamPoint> now(StreamKey key) noexcept;
  /// True if the work up to the point is known to be complete; never blocks.
  [[nodiscard]] static bool completed(const StreamPoint& point) noexcept;
  /// Makes later work of `stream` wait for the point.
  static void wait_on_stream(const StreamPoint& point, StreamImpl& stream);
  /// Blocks until the work up to the point has completed or failed.
  static void wait_on_host(const StreamPoint& point) noexcept;
};

}  // namespace sampan::core
