#include "event.h"

#include "context.h"
#include "control.h"

namespace sampan::emulator {

std::shared_ptr<Moment> Event::last_record() const {
  std::lock_guard lock(mutex_);
  return last_;
}

void Event::record(Stream& stream) {
  require(&stream.context() == &context_, Status::invalid_handle);
  auto moment = std::make_shared<Moment>();
  context_.push(stream, {[moment] { moment->reach(); }, true});
  std::lock_guard lock(mutex_);
  last_ = std::move(moment);
}

void Event::hold(Stream& stream) const {
  const std::shared_ptr<Moment> moment = last_record();
  if (moment == nullptr || moment->reached()) return;
  const Stream* const waiting = &stream;  // runs the work, so it is there
  const auto wait = [moment, waiting] {
    wait_until([&] { return moment->reached() || waiting->aborted(); });
  };
  stream.context().push(stream, {wait, true});
}

float elapsed_ms(const Event& begin, const Event& end) {
  const auto first = begin.last_record(), second = end.last_record();
  require(&begin.context() == &end.context() && begin.timing() && end.timing(),
          Status::invalid_handle);
  require(first != nullptr && second != nullptr, Status::invalid_handle);
  require(first->reached() && second->reached(), Status::not_ready);
  const auto ns = static_cast<std::int64_t>(second->time_ns() - first->time_ns());
  return static_cast<float>(static_cast<double>(ns) * 1e-6);
}

}  // namespace sampan::emulator
