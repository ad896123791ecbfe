// "Source" for the mock is any text that names kernels of the table below: it knows them by name
// and runs them in C++.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "mock.h"

namespace {

using Outcome = std::optional<mock::Failure>;

struct Launch {
  sampan_device_t* device;
  std::vector<sampan_arg_t> args;
  std::uint64_t hangs_released;  // when it was enqueued

  template <class T>
  [[nodiscard]] T value(std::size_t i) const {
    T out;
    std::memcpy(&out, args[i].u.value, sizeof(T));
    return out;
  }
  // Null if the memory is smaller.
  template <class T>
  [[nodiscard]] T* memory(std::size_t i, std::uint64_t count) const {
    const sampan_region_t& region = args[i].u.region;
    if (region.memory == nullptr || region.offset_bytes > region.memory->size_bytes ||
        count > (region.memory->size_bytes - region.offset_bytes) / sizeof(T)) {
      return nullptr;
    }
    return reinterpret_cast<T*>(region.memory->host + region.offset_bytes);
  }
};

Outcome illegal() {
  return mock::Failure{SAMPAN_ILLEGAL_ACCESS, 0, {}, "the kernel left the memory of an argument"};
}

// copy(out, in, u32 n): floats.
Outcome run_copy(const Launch& launch) {
  const auto n = launch.value<std::uint32_t>(2);
  auto* out = launch.memory<float>(0, n);
  const auto* in = launch.memory<float>(1, n);
  if (out == nullptr || in == nullptr) return illegal();
  std::copy_n(in, n, out);
  return std::nullopt;
}

// add_one(x, u32 n): floats.
Outcome run_add_one(const Launch& launch) {
  const auto n = launch.value<std::uint32_t>(1);
  auto* x = launch.memory<float>(0, n);
  if (x == nullptr) return illegal();
  std::for_each_n(x, n, [](float& value) { value += 1; });
  return std::nullopt;
}

Outcome run_fail(const Launch&) {
  return mock::Failure{SAMPAN_LAUNCH_FAILED, 0, {}, "the kernel failed, as it always does"};
}

// Until SampanMockControl::release_hangs, or the device is lost.
Outcome run_hang(const Launch& launch) {
  std::unique_lock lock(mock::state().mutex);
  mock::state().changed.wait(lock, [&] {
    return mock::state().hangs_released != launch.hangs_released || launch.device->is_lost;
  });
  if (launch.device->is_lost) return mock::lost(*launch.device);
  return std::nullopt;
}

struct Known {
  std::string_view name;
  std::string_view args;  // one letter each: m(emory), v(alue)
  Outcome (*run)(const Launch& launch);
};
constexpr Known kKnown[] = {
    {"copy", "mmv", run_copy},
    {"add_one", "mv", run_add_one},
    {"fail", "", run_fail},
    {"hang", "", run_hang},
};

}  // namespace

struct sampan_module {
  sampan_device_t* device = nullptr;
  std::string text;
  std::vector<std::unique_ptr<sampan_kernel>> kernels;
};

struct sampan_kernel {
  sampan_module_t* module = nullptr;
  const Known* known = nullptr;
};

namespace mock {
namespace {

using Table = sampan_module_table_t;

bool is_word_in(std::string_view text, std::string_view word) {
  const auto is_part = [&](std::size_t at) {
    return at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_');
  };
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !is_part(at - 1)) && !is_part(at + word.size())) return true;
  }
  return false;
}

sampan_code_t compile_failure(sampan_error_t* error, const char* name) {
  if (error->detail != nullptr && error->detail_bytes > 0) {
    std::snprintf(error->detail, error->detail_bytes, "%s:1: #error found\n", name);
  }
  return fail(error, SAMPAN_COMPILE_FAILED, "module '%s' doesn't compile: #error found", name);
}

sampan_code_t load(sampan_device_t* device, const sampan_module_desc_t* desc, sampan_module_t** out,
                   sampan_error_t* error) {
  return call("module.load", device, error, [&](auto&) -> sampan_code_t {
    const std::string text(static_cast<const char*>(desc->code), desc->code_bytes);
    if (desc->format == SAMPAN_FORMAT_SPIRV) {
      return fail(error, SAMPAN_UNSUPPORTED, "the mock takes no SPIR-V");
    }
    if (text.find("#error") != std::string::npos) return compile_failure(error, desc->name);
    if (desc->format == SAMPAN_FORMAT_NATIVE && !text.starts_with("mock:")) {
      return fail(error, SAMPAN_INVALID_BINARY, "module '%s' is no binary of the mock's",
                  desc->name);
    }
    auto* module = make_child<sampan_module_t>(SAMPAN_MOCK_LIVE_MODULES, device);
    module->text = text;
    *out = module;
    return SAMPAN_OK;
  });
}

void unload(sampan_module_t* module) {
  const std::lock_guard lock(state().mutex);
  drop_child(SAMPAN_MOCK_LIVE_MODULES, module);
}

sampan_code_t kernel(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                     sampan_error_t* error) {
  return call("module.kernel", module->device, error, [&](auto&) -> sampan_code_t {
    const auto* known =
        std::find_if(std::begin(kKnown), std::end(kKnown),
                     [&](const Known& candidate) { return candidate.name == name; });
    if (known == std::end(kKnown) || !is_word_in(module->text, name)) {
      return fail(error, SAMPAN_NOT_FOUND, "the module has no kernel '%s'", name);
    }
    module->kernels.push_back(std::make_unique<sampan_kernel>(sampan_kernel{module, known}));
    *out = module->kernels.back().get();
    return SAMPAN_OK;
  });
}

sampan_code_t kernel_info(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                          sampan_error_t* error) {
  return call("module.kernel_info", kernel->module->device, error, [&](auto&) {
    sampan_kernel_info_t info{};
    info.size = out->size;
    info.max_group_items = 1024;
    info.arg_count = static_cast<std::uint32_t>(kernel->known->args.size());
    *out = info;
    return SAMPAN_OK;
  });
}

sampan_code_t binary(sampan_module_t* module,
                     void (*sink)(void* context, const void* bytes, std::uint64_t size_bytes),
                     void* context, sampan_error_t* error) {
  return call("module.binary", module->device, error, [&](auto&) {
    const std::string bytes =
        module->text.starts_with("mock:") ? module->text : "mock:" + module->text;
    sink(context, bytes.data(), bytes.size());
    return SAMPAN_OK;
  });
}

}  // namespace

Command launch_command(sampan_device_t& device, const sampan_launch_t& launch) {
  const Known& known = *launch.kernel->known;
  if (launch.kernel->module->device != &device) violation("stream.launch of a foreign kernel");
  if (launch.arg_count != known.args.size()) violation("stream.launch with a wrong argument count");
  Launch copy{&device, {launch.args, launch.args + launch.arg_count}, state().hangs_released};
  Command command;
  command.node_kind = SAMPAN_NODE_LAUNCH;
  command.sequence = launch.sequence;
  command.kernel = known.name;
  for (std::size_t i = 0; i < copy.args.size(); ++i) {
    const sampan_arg_t& arg = copy.args[i];
    const bool is_memory = arg.kind == SAMPAN_ARG_REGION;
    if (is_memory != (known.args[i] == 'm'))
      violation("stream.launch with an argument of a wrong kind");
    if (!is_memory || arg.u.region.memory == nullptr) continue;
    if (arg.u.region.memory->device != &device) violation("stream.launch with foreign memory");
    command.uses.push_back(arg.u.region.memory);
  }
  command.run = work([run = known.run, copy = std::move(copy)] { return run(copy); });
  return command;
}

const Table kModuleTable = {sizeof(Table), 0, load, unload, kernel, kernel_info, binary};

}  // namespace mock
