// Points on streams that the program can name.
#pragma once

#include <memory>
#include <mutex>

#include "stream.h"

namespace sampan::emulator {

/// Free-threaded. A wait that was asked for stands by the record that was the last one then.
class Event {
 public:
  Event(Context& context, bool timing) : context_(context), timing_(timing) {}

  [[nodiscard]] Context& context() const { return context_; }
  [[nodiscard]] bool timing() const { return timing_; }

  /// Null before the first record.
  [[nodiscard]] std::shared_ptr<Moment> last_record() const;
  /// Marks the end of all work that is on the stream now. Throws Refusal{invalid_handle} for a
  /// stream of another context.
  void record(Stream& stream);
  /// Later work on the stream waits for the last record; any context.
  void hold(Stream& stream) const;

 private:
  Context& context_;
  const bool timing_;
  mutable std::mutex mutex_;
  std::shared_ptr<Moment> last_;
};

/// Milliseconds between two records. Throws Refusal: invalid_handle where one was never recorded,
/// has no timing or belongs to another context than the other; not_ready.
[[nodiscard]] float elapsed_ms(const Event& begin, const Event& end);

}  // namespace sampan::emulator
