#include "backends/common/code_cache.h"

#include "backends/common/key_lock.h"
#include "backends/common/private_folder.h"
#include "backends/common/text.h"

namespace sampan::common {

CodeCache::CodeCache(const CacheSettings& settings, WarnFn warn)
    : warn_(std::move(warn)), lock_wait_(settings.lock_wait), memory_(settings.memory_max_bytes) {
  if (warn_ && !settings.warning.empty()) warn_(settings.warning);
  status_.memory_only_reason = settings.memory_only_reason;
  if (settings.folder.empty()) return;
  OpenedFolder opened = open_private_folder(settings.folder);
  if (opened.fd) {
    status_.folder = settings.folder;
    folder_ =
        std::make_unique<CacheFolder>(std::move(opened.fd), settings.folder, settings.max_bytes);
  } else {
    status_.memory_only_reason =
        opened.reason +
        "; set SAMPAN_CACHE_DIR to a folder of your own to keep compiled code between runs";
  }
}

Bytes CodeCache::get_or_compile(const CacheKey& key, const CompileFn& compile) {
  const Wanted wanted = this->wanted(key);
  if (std::optional<Bytes> found = find(wanted, OnBadEntry::kIgnore)) {
    count(&CacheStatus::hits);
    return *std::move(found);
  }
  std::promise<Result> promise;
  std::shared_future<Result> flight = promise.get_future().share();
  bool leads = false;
  {
    const std::lock_guard guard(flights_mutex_);
    const auto place = flights_.try_emplace(wanted.key_text, flight);
    leads = place.second;
    flight = place.first->second;
  }
  if (!leads) {
    const Result& shared = flight.get();
    count(&CacheStatus::hits);
    return *shared;
  }
  try {
    const Result result = std::make_shared<const Bytes>(find_or_compile_alone(wanted, compile));
    land(wanted);
    promise.set_value(result);
    return *result;
  } catch (...) {
    land(wanted);
    promise.set_exception(std::current_exception());
    throw;
  }
}

CacheStatus CodeCache::status() const {
  const std::lock_guard guard(status_mutex_);
  return status_;
}

CodeCache::Wanted CodeCache::wanted(const CacheKey& key) const {
  Wanted wanted{key.text(), std::nullopt, {}};
  if (folder_ == nullptr) return wanted;
  try {
    wanted.digest = cache_key_digest(key.text());
    wanted.name = hex(*wanted.digest);
  } catch (const std::runtime_error&) {
    // Without SHA-256 the folder can't be used; `keep` reports it, since it needs the digest too.
  }
  return wanted;
}

std::optional<Bytes> CodeCache::find(const Wanted& wanted, OnBadEntry on_bad_entry) {
  if (std::optional<Bytes> kept = memory_.find(wanted.key_text)) return kept;
  if (!wanted.digest) return std::nullopt;
  CacheFolder::ReadResult read = folder_->read(wanted.name, wanted.key_text);
  if (read.found == CacheFolder::Found::kEntry) return std::move(read.payload);
  if (read.found == CacheFolder::Found::kBadEntry && on_bad_entry == OnBadEntry::kDiscard) {
    discard(wanted, read.reason);
  }
  return std::nullopt;
}

// Runs in one thread of this cache per key; the lock keeps other processes out.
Bytes CodeCache::find_or_compile_alone(const Wanted& wanted, const CompileFn& compile) {
  std::optional<KeyLock> lock;
  if (wanted.digest) lock.emplace(KeyLock::acquire(folder_->fd(), *wanted.digest, lock_wait_));
  // Someone may have finished between the first look and the lock. A bad entry is removed only
  // here, where nobody can be publishing its replacement.
  if (std::optional<Bytes> found = find(wanted, OnBadEntry::kDiscard)) {
    count(&CacheStatus::hits);
    return *std::move(found);
  }
  Bytes payload = compile();
  count(&CacheStatus::compiles);
  if (!payload.empty()) keep(wanted, payload);
  return payload;
}

void CodeCache::keep(const Wanted& wanted, const Bytes& payload) {
  if (folder_ != nullptr) {
    const std::string failure = store(wanted, payload);
    if (failure.empty()) return;
    const std::lock_guard guard(status_mutex_);
    status_.last_store_failure = failure;
    ++status_.store_failures;
  }
  memory_.insert(wanted.key_text, payload);
}

std::string CodeCache::store(const Wanted& wanted, const Bytes& payload) {
  try {
    if (!wanted.digest) return "the system's OpenSSL cannot compute SHA-256";
    return folder_->store(wanted.name, wanted.key_text, payload);
  } catch (const std::exception& error) {
    return std::string("cannot store compiled code: ") + error.what();
  }
}

void CodeCache::discard(const Wanted& wanted, const std::string& reason) {
  folder_->remove(wanted.name);
  bool first = false;
  {
    const std::lock_guard guard(status_mutex_);
    ++status_.bad_entries;
    first = warned_.insert(wanted.name).second;
  }
  if (first && warn_) warn_("the cache entry " + reason + "; it is compiled again");
}

void CodeCache::land(const Wanted& wanted) {
  const std::lock_guard guard(flights_mutex_);
  flights_.erase(wanted.key_text);
}

void CodeCache::count(std::uint64_t CacheStatus::*counter) {
  const std::lock_guard guard(status_mutex_);
  ++(status_.*counter);
}

}  // namespace sampan::common
