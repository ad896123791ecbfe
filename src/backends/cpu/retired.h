// Keeping code alive until the work that uses it has run.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace sampan::cpu {

class Stream;

/// What can be retired: a loaded module, an operation's plan.
struct Retirable {
  virtual ~Retirable() = default;
};

/// Holds what the host has destroyed while commands that were submitted before may still use it.
/// Launches therefore need no reference count. Free-threaded.
class Retired {
 public:
  /// Throws std::bad_alloc.
  void add_stream(const Stream& stream);
  /// After the stream's last command.
  void remove_stream(const Stream& stream) noexcept;

  /// Frees `remains` once every stream has completed what it has been given by now: at once, or in
  /// a later call of this class, or with the device. Never, where memory runs out.
  void retire(std::unique_ptr<Retirable> remains) noexcept;

 private:
  struct Grave {
    std::unique_ptr<Retirable> remains;
    // Streams, and the count of commands that each must have completed.
    std::vector<std::pair<const Stream*, std::uint64_t>> pending;
  };

  [[nodiscard]] std::list<Grave> take_finished() noexcept;

  std::mutex mutex_;
  std::vector<const Stream*> streams_;
  std::list<Grave> graves_;
};

}  // namespace sampan::cpu
