#include "plugin.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>

namespace sampan_test {
namespace {

sampan_host_t make_host() {
  sampan_host_t host{};
  host.size = sizeof host;
  host.abi_major = SAMPAN_ABI_MAJOR;
  host.abi_minor_min = 0;
  host.abi_minor_max = SAMPAN_ABI_MINOR;
  host.allocate = [](void*, std::size_t size, std::size_t alignment) {
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  };
  host.deallocate = [](void*, void* pointer) { std::free(pointer); };
  host.log = [](void*, std::int32_t, const char*, const char*) {};
  host.report_fault = [](void*, sampan_device_t*, const sampan_error_t*) {};
  return host;
}

sampan_backend_t open_backend() {
  static const sampan_host_t kHost = make_host();
  void* library = dlopen(SAMPAN_CPU_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  void* symbol = library != nullptr ? dlsym(library, SAMPAN_BACKEND_QUERY_NAME) : nullptr;
  if (symbol == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(1);
  }
  sampan_backend_t tables{};
  tables.size = sizeof tables;
  ErrorRecord error;
  if (reinterpret_cast<sampan_backend_query_fn>(symbol)(&kHost, &tables, &error) != SAMPAN_OK) {
    std::fprintf(stderr, "%s\n", error.record.message);
    std::exit(1);
  }
  return tables;
}

int count_entries(const char* folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

const sampan_backend_t& backend() {
  static const sampan_backend_t kTables = open_backend();
  return kTables;
}

ErrorRecord::ErrorRecord() : detail(16 << 10) {
  record.size = sizeof record;
  record.detail = detail.data();
  record.detail_bytes = detail.size();
}

Device open_device(std::uint32_t ordinal) {
  sampan_device_t* device = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, backend().device->open(ordinal, &device, &error), error);
  return Device(device);
}

Stream create_stream(sampan_device_t* device) {
  sampan_stream_options_t options{sizeof options, 0};
  sampan_stream_t* stream = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, backend().stream->create(device, &options, &stream, &error), error);
  return Stream(stream);
}

Event create_event(sampan_device_t* device, std::uint32_t flags) {
  sampan_event_t* event = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, backend().event->create(device, flags, &event, &error), error);
  return Event(event);
}

Memory allocate(sampan_device_t* device, std::uint64_t size_bytes) {
  sampan_memory_t* memory = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK,
              backend().memory->allocate(device, SAMPAN_MEMORY_DEVICE, size_bytes, &memory, &error),
              error);
  return Memory(memory);
}

std::string dialect_source(std::string_view body, std::initializer_list<const char*> kernels) {
  std::string text = "#include \"" SAMPAN_DIALECT_HEADER "\"\n";
  text += body;
  text += '\n';
  for (const char* name : kernels) text += std::string("SAMPAN_CPU_EXPORT(") + name + ")\n";
  return text;
}

sampan_code_t load_source(sampan_device_t* device, const std::string& text, Module& out,
                          ErrorRecord& error, const char* options) {
  sampan_module_desc_t desc{};
  desc.size = sizeof desc;
  desc.format = SAMPAN_FORMAT_SOURCE;
  desc.code = text.data();
  desc.code_bytes = text.size();
  desc.name = "test";
  desc.options = options;
  sampan_module_t* module = nullptr;
  const sampan_code_t code = backend().module->load(device, &desc, &module, &error);
  out.reset(module);
  return code;
}

Module load(sampan_device_t* device, std::string_view body,
            std::initializer_list<const char*> kernels, const char* options) {
  Module module;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, load_source(device, dialect_source(body, kernels), module, error, options),
              error);
  return module;
}

sampan_kernel_t* kernel(const Module& module, const char* name) {
  sampan_kernel_t* kernel = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, backend().module->kernel(module.get(), name, &kernel, &error), error);
  return kernel;
}

sampan_arg_t region(const Memory& memory, std::uint64_t offset_bytes) {
  sampan_arg_t arg{};
  arg.kind = SAMPAN_ARG_REGION;
  arg.u.region = {memory.get(), offset_bytes};
  return arg;
}

sampan_code_t launch(const Stream& stream, sampan_kernel_t* kernel, const Dim3& grid,
                     const Dim3& group, const std::vector<sampan_arg_t>& args, ErrorRecord& error,
                     std::uint64_t sequence) {
  sampan_launch_t launch{};
  launch.size = sizeof launch;
  launch.arg_count = static_cast<std::uint32_t>(args.size());
  launch.kernel = kernel;
  launch.args = args.data();
  std::copy(grid.begin(), grid.end(), launch.grid);
  std::copy(group.begin(), group.end(), launch.group);
  launch.sequence = sequence;
  return backend().stream->launch(stream.get(), &launch, &error);
}

sampan_code_t wait(const Stream& stream, ErrorRecord& error, std::uint64_t timeout_ns) {
  return backend().stream->wait(stream.get(), timeout_ns, &error);
}

int count_threads() { return count_entries("/proc/self/task"); }
int count_descriptors() { return count_entries("/proc/self/fd"); }

}  // namespace sampan_test
