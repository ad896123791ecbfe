#include "context.h"

#include <algorithm>
#include <utility>

#include "machine.h"

namespace sampan::emulator {
namespace {

constinit thread_local Context* current = nullptr;

}  // namespace

Context* current_context() { return current; }
void set_current_context(Context* context) { current = context; }

Context::Context(Device& device)
    : device_(device), legacy_(std::make_shared<Stream>(*this, true, 0)) {}

void Context::fail(Status status) {
  int none = 0;
  status_.compare_exchange_strong(none, static_cast<int>(status));
}

std::shared_ptr<Stream> Context::create_stream(bool blocking, int priority) {
  auto stream = std::make_shared<Stream>(*this, blocking, priority);
  std::lock_guard lock(mutex_);
  streams_.push_back(stream);
  return stream;
}

std::vector<std::shared_ptr<Stream>> Context::streams() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Stream>> all = streams_;
  all.push_back(legacy_);
  return all;
}

std::uint64_t Context::push(Stream& stream, Work work) {
  if (!stream.blocking()) return stream.push(std::move(work));
  std::lock_guard lock(mutex_);
  const auto wait_for = [&stream](const std::shared_ptr<Stream>& other) {
    if (other.get() == &stream || !other->blocking() || other->idle()) return;
    stream.push({[other, number = other->pushed()] { other->wait(number); }, true});
  };
  if (&stream == legacy_.get()) {
    for (const auto& other : streams_) wait_for(other);
  } else {
    wait_for(legacy_);
  }
  return stream.push(std::move(work));
}

void Context::synchronize() {
  for (const auto& stream : streams()) stream->wait(stream->pushed());
}

void Context::retire(Stream& stream) {
  stream.close();
  std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& other) { return other.get() == &stream; });
}

bool Context::reaches(int device) const {
  return device == device_.index() || (peers_.load() >> device & 1) != 0;
}

bool Context::set_peer(int device, bool enabled) {
  const std::uint64_t bit = std::uint64_t{1} << device;
  const std::uint64_t before = enabled ? peers_.fetch_or(bit) : peers_.fetch_and(~bit);
  return ((before & bit) != 0) != enabled;
}

void Context::reset() {
  std::vector<std::shared_ptr<Stream>> ending;
  {
    std::lock_guard lock(mutex_);
    ending.swap(streams_);
    ending.push_back(std::exchange(legacy_, std::make_shared<Stream>(*this, true, 0)));
  }
  for (const auto& stream : ending) stream->abort();
  for (const auto& stream : ending) {
    stream->wait(stream->pushed());
    stream->close();
  }
  Machine::of_library().forget(*this);
  peers_ = 0;
  status_ = 0;
}

bool Device::release() {
  int count = retained_;
  do {
    if (count == 0) return false;
  } while (!retained_.compare_exchange_weak(count, count - 1));
  if (count == 1) context_.reset();
  return true;
}

}  // namespace sampan::emulator
