#include "core/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "core/environment.h"

namespace sampan {
namespace core {
namespace {

LogLevel level_from_environment() {
  const std::string text = env("SAMPAN_LOG");
  if (text == "error") return LogLevel::error;
  if (text == "warning") return LogLevel::warning;
  if (text == "info") return LogLevel::info;
  if (text == "debug" || text == "1") return LogLevel::debug;
  // Whoever asks for validation wants to see what it finds; for a trace, why there is none.
  if (env_flag("SAMPAN_VALIDATE")) return LogLevel::warning;
  return env("SAMPAN_TRACE").empty() ? LogLevel::off : LogLevel::error;
}

using Sink = std::function<void(LogLevel, std::string_view, std::string_view)>;

Sink stderr_sink() {
  auto logger =
      std::make_shared<spdlog::logger>("sampan", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(spdlog::level::debug);
  logger->set_pattern("%H:%M:%S.%f sampan %l: %v");
  return [logger](LogLevel level, std::string_view domain, std::string_view message) {
    constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::off, spdlog::level::err,
                                                     spdlog::level::warn, spdlog::level::info,
                                                     spdlog::level::debug};
    logger->log(kLevels[static_cast<int>(level)], "{}: {}", domain, message);
  };
}

struct Log {
  std::atomic<LogLevel> level{LogLevel::off};
  std::mutex mutex;
  std::shared_ptr<const Sink> sink;

  Log() {
    const LogLevel start = level_from_environment();
    if (start != LogLevel::off) sink = std::make_shared<const Sink>(stderr_sink());
    level = start;
  }
};

// Never destroyed: objects with static lifetime log while the process exits.
Log& instance() {
  static Log* const log = new Log;
  return *log;
}

}  // namespace

bool log_enabled(LogLevel level) noexcept {
  return level <= instance().level.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view domain, std::string_view message) noexcept {
  if (!log_enabled(level)) return;
  try {
    std::shared_ptr<const Sink> sink;
    {
      const std::lock_guard lock(instance().mutex);
      sink = instance().sink;
    }
    if (sink) (*sink)(level, domain, message);
  } catch (...) {
    // A log line that can't be written must not fail the work it describes.
  }
}

}  // namespace core

void set_log_sink(LogLevel level,
                  std::function<void(LogLevel, std::string_view, std::string_view)> sink) {
  core::Log& log = core::instance();
  const std::lock_guard lock(log.mutex);
  log.sink = sink ? std::make_shared<const core::Sink>(std::move(sink)) : nullptr;
  log.level = log.sink ? level : LogLevel::off;
}

}  // namespace sampan
