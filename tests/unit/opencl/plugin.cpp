#include "plugin.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace sampan::test {
namespace {

std::mutex log_mutex;
std::vector<std::string> log_lines;

void* allocate(void*, std::size_t size_bytes, std::size_t alignment_bytes) {
  return std::aligned_alloc(alignment_bytes, size_bytes);
}
void deallocate(void*, void* pointer) { std::free(pointer); }
void keep_log(void*, std::int32_t, const char*, const char* message) {
  const std::lock_guard lock(log_mutex);
  log_lines.emplace_back(message);
}
void ignore_fault(void*, sampan_device_t*, const sampan_error_t*) {}

const sampan_host_t& host() {
  static sampan_host_t table{};
  table.size = sizeof table;
  table.abi_major = SAMPAN_ABI_MAJOR;
  table.abi_minor_min = 0;
  table.abi_minor_max = SAMPAN_ABI_MINOR;
  table.allocate = allocate;
  table.deallocate = deallocate;
  table.log = keep_log;
  table.report_fault = ignore_fault;
  return table;
}

// Tests must not meet the code that earlier runs cached, nor leave any.
struct CacheFolder {
  CacheFolder() {
    if (mkdtemp(path) != nullptr) setenv("SAMPAN_CACHE_DIR", path, 1);
  }
  ~CacheFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  char path[32] = "/tmp/sampan-opencl-XXXXXX";
};

Plugin load() {
  static const CacheFolder kFolder;
  Plugin plugin;
  void* const library = dlopen(SAMPAN_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    plugin.query_message = dlerror();
    return plugin;
  }
  const auto query =
      reinterpret_cast<sampan_backend_query_fn>(dlsym(library, SAMPAN_BACKEND_QUERY_NAME));
  Error error;
  plugin.backend.size = sizeof plugin.backend;
  plugin.query_code = query(&host(), &plugin.backend, error.get());
  plugin.query_message = error.message();
  return plugin;
}

}  // namespace

const Plugin& Plugin::get() {
  static const Plugin kPlugin = load();
  return kPlugin;
}

std::vector<std::string> Plugin::log() {
  const std::lock_guard lock(log_mutex);
  return log_lines;
}

ScopedVariable::ScopedVariable(std::string name, const std::string& value)
    : name_(std::move(name)) {
  const char* const before = std::getenv(name_.c_str());
  was_set_ = before != nullptr;
  if (was_set_) before_ = before;
  setenv(name_.c_str(), value.c_str(), 1);
}

ScopedVariable::~ScopedVariable() {
  if (was_set_) {
    setenv(name_.c_str(), before_.c_str(), 1);
  } else {
    unsetenv(name_.c_str());
  }
}

Bench::Bench() : device_(nullptr, Plugin::get().backend.device->close) {
  const auto& table = *Plugin::get().backend.device;
  sampan_device_t* device = nullptr;
  info_.size = sizeof info_;
  std::uint32_t count = 0;
  if (table.count(&count, error_.get()) != SAMPAN_OK ||
      table.describe(0, &info_, error_.get()) != SAMPAN_OK) {
    return;
  }
  if (table.open(0, &device, error_.get()) == SAMPAN_OK) device_.reset(device);
}

Handle<sampan_memory_t> Bench::memory(std::uint64_t size_bytes, std::uint32_t kind) const {
  const auto& table = *Plugin::get().backend.memory;
  Error error;
  sampan_memory_t* made = nullptr;
  EXPECT_CODE(SAMPAN_OK, error, table.allocate(device(), kind, size_bytes, &made, error.get()));
  return {made, table.release};
}

Handle<sampan_stream_t> Bench::stream() const {
  const auto& table = *Plugin::get().backend.stream;
  Error error;
  sampan_stream_t* made = nullptr;
  const sampan_stream_options_t options{sizeof options, 0};
  EXPECT_CODE(SAMPAN_OK, error, table.create(device(), &options, &made, error.get()));
  return {made, table.destroy};
}

Handle<sampan_event_t> Bench::event(std::uint32_t flags) const {
  const auto& table = *Plugin::get().backend.event;
  Error error;
  sampan_event_t* made = nullptr;
  EXPECT_CODE(SAMPAN_OK, error, table.create(device(), flags, &made, error.get()));
  return {made, table.destroy};
}

Handle<sampan_module_t> Bench::module(const std::string& source, const std::string& options) const {
  const auto& table = *Plugin::get().backend.module;
  Error error;
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_SOURCE;
  desc.code = source.data();
  desc.code_bytes = source.size();
  desc.name = "test";
  desc.options = options.c_str();
  sampan_module_t* made = nullptr;
  EXPECT_CODE(SAMPAN_OK, error, table.load(device(), &desc, &made, error.get())) << error.detail();
  return {made, table.unload};
}

sampan_kernel_t* Bench::kernel(const Handle<sampan_module_t>& module, const char* name) const {
  Error error;
  sampan_kernel_t* found = nullptr;
  EXPECT_CODE(SAMPAN_OK, error,
              Plugin::get().backend.module->kernel(module.get(), name, &found, error.get()));
  return found;
}

void Bench::upload(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                   std::uint64_t size_bytes) const {
  Error error;
  EXPECT_CODE(
      SAMPAN_OK, error,
      Plugin::get().backend.stream->copy_to_device(stream, dst, host, size_bytes, error.get()));
}

void Bench::download(sampan_stream_t* stream, void* host, sampan_region_t src,
                     std::uint64_t size_bytes) const {
  Error error;
  EXPECT_CODE(
      SAMPAN_OK, error,
      Plugin::get().backend.stream->copy_to_host(stream, host, src, size_bytes, error.get()));
}

void Bench::wait(sampan_stream_t* stream) const {
  Error error;
  EXPECT_CODE(SAMPAN_OK, error,
              Plugin::get().backend.stream->wait(stream, SAMPAN_WAIT_FOREVER, error.get()));
}

sampan_arg_t region_arg(sampan_memory_t* memory, std::uint64_t offset_bytes) {
  sampan_arg_t arg{};
  arg.kind = SAMPAN_ARG_REGION;
  arg.u.region = {memory, offset_bytes};
  return arg;
}

sampan_launch_t make_launch(sampan_kernel_t* kernel, std::span<const sampan_arg_t> args,
                            std::uint32_t groups, std::uint32_t items, std::uint64_t sequence) {
  sampan_launch_t launch{};
  launch.size = sizeof launch;
  launch.kernel = kernel;
  launch.args = args.data();
  launch.arg_count = static_cast<std::uint32_t>(args.size());
  launch.grid[0] = groups;
  launch.group[0] = items;
  launch.grid[1] = launch.grid[2] = launch.group[1] = launch.group[2] = 1;
  launch.sequence = sequence;
  return launch;
}

std::vector<std::uint8_t> pattern_bytes(std::size_t count, std::uint32_t seed) {
  std::vector<std::uint8_t> bytes(count);
  std::uint32_t state = seed * 2654435761u + 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

}  // namespace sampan::test
