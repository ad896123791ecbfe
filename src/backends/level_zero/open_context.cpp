#include "backends/level_zero/open_context.h"

#include <map>

#include "backends/level_zero/error.h"

namespace sampan::level_zero {

std::shared_ptr<OpenContext> OpenContext::of(ze::Driver driver) {
  static auto* const mutex = new std::mutex;
  static auto* const current = new std::map<ze::Driver, std::weak_ptr<OpenContext>>;
  const std::lock_guard lock(*mutex);
  std::weak_ptr<OpenContext>& slot = (*current)[driver];
  if (auto open = slot.lock(); open != nullptr && !open->retired_.load()) return open;
  auto made = std::make_shared<OpenContext>(driver);
  slot = made;
  return made;
}

OpenContext::OpenContext(ze::Driver driver) {
  const ze::ContextDesc desc;
  check(api().context_create(driver, &desc, &handle_), "zeContextCreate", During::kAllocation,
        "Opening the device");
  events_ = std::make_unique<EventPool>(handle_);
}

OpenContext::~OpenContext() {
  events_.reset();
  (void)api().context_destroy(handle_);
}

}  // namespace sampan::level_zero
