#include <algorithm>

#include "driver.h"

namespace sampan::emulator::driver {
namespace {

/// CUfunction_attribute and hipFunction_attribute.
enum FunctionAttribute {
  kMaxThreads = 0,
  kSharedBytes = 1,
  kConstBytes = 2,
  kLocalBytes = 3,
  kRegisters = 4,
  kPtxVersion = 5,
  kBinaryVersion = 6,
  kCacheMode = 7,
  kMaxDynamicShared = 8,
  kPreferredCarveout = 9,
};

constexpr int kRegistersOfAll = 32;

Machine& machine() { return Machine::of_library(); }

std::shared_ptr<Kernel> require_kernel(Handle handle) {
  return require_handle(machine().functions, handle);
}

}  // namespace

Status load_module(Handle* out, const void* image) {
  Context& current = context();
  require(out != nullptr && image != nullptr, Status::invalid_value);
  *out = machine().modules.add(std::make_shared<Module>(current, image));
  return Status::ok;
}

Status unload_module(Handle handle) {
  require_initialized();
  const std::shared_ptr<Module> module = remove_handle(machine().modules, handle);
  machine().functions.remove_if([&](const Kernel& kernel) { return kernel.module == module; });
  return module->context().status();
}

Status get_function(Handle* out, Handle module_handle, const char* name) {
  context();
  require(out != nullptr && name != nullptr, Status::invalid_value);
  const std::shared_ptr<Module> module = require_handle(machine().modules, module_handle);
  *out = module->function_handle(name, [&](const sampan_emulator::KernelEntry& entry) {
    auto kernel = std::make_shared<Kernel>();
    kernel->module = module;
    kernel->entry = &entry;
    kernel->name = name;
    kernel->static_shared_bytes = module->static_shared_bytes(name);
    const unsigned shared = module->context().device().properties().shared_bytes;
    kernel->max_dynamic_bytes = shared - std::min(shared, kernel->static_shared_bytes);
    return machine().functions.add(std::move(kernel));
  });
  require(*out != nullptr, Status::not_found);
  return Status::ok;
}

Status get_global(std::uint64_t* out_address, std::size_t* out_bytes, Handle module_handle,
                  const char* name) {
  context();
  require(name != nullptr && (out_address != nullptr || out_bytes != nullptr),
          Status::invalid_value);
  const std::shared_ptr<Module> module = require_handle(machine().modules, module_handle);
  const Module::Global global = module->global(name);
  require(global.address != 0, Status::not_found);
  machine().memory.add_global(module, global.address, global.bytes);
  if (out_address != nullptr) *out_address = global.address;
  if (out_bytes != nullptr) *out_bytes = global.bytes;
  return Status::ok;
}

Status function_attribute(int* out, int attribute, Handle function) {
  context();
  require(out != nullptr, Status::invalid_value);
  const std::shared_ptr<Kernel> kernel = require_kernel(function);
  const int architecture = static_cast<int>(kernel->context().device().properties().architecture);
  switch (attribute) {
    case kMaxThreads:
      *out = static_cast<int>(kernel->max_threads());
      break;
    case kSharedBytes:
      *out = static_cast<int>(kernel->static_shared_bytes);
      break;
    case kRegisters:
      *out = kRegistersOfAll;
      break;
    case kPtxVersion:
    case kBinaryVersion:
      *out = architecture;
      break;
    case kMaxDynamicShared:
      *out = static_cast<int>(kernel->max_dynamic_bytes.load());
      break;
    case kConstBytes:
    case kLocalBytes:
    case kCacheMode:
      *out = 0;
      break;
    case kPreferredCarveout:
      *out = -1;
      break;
    default:
      return Status::invalid_value;
  }
  return Status::ok;
}

Status set_function_attribute(Handle function, int attribute, int value) {
  context();
  const std::shared_ptr<Kernel> kernel = require_kernel(function);
  if (attribute == kPreferredCarveout) return Status::ok;
  const Properties& device = kernel->context().device().properties();
  const int room =
      static_cast<int>(device.shared_bytes_opt_in) - static_cast<int>(kernel->static_shared_bytes);
  require(attribute == kMaxDynamicShared && value >= 0 && value <= room, Status::invalid_value);
  kernel->max_dynamic_bytes = static_cast<unsigned>(value);
  return Status::ok;
}

Status occupancy(int* out_blocks, Handle function, int threads, std::size_t dynamic_bytes) {
  context();
  const std::shared_ptr<Kernel> kernel = require_kernel(function);
  require(out_blocks != nullptr && threads > 0, Status::invalid_value);
  *out_blocks = static_cast<int>(kernel->occupancy(static_cast<unsigned>(threads), dynamic_bytes));
  return Status::ok;
}

Status launch(Handle function, const LaunchShape& shape, Handle stream_handle, void** arguments,
              void** extra, bool cooperative) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  std::shared_ptr<Kernel> kernel = require_kernel(function);
  require(&on->context() == &kernel->context() && &kernel->context() == &context(),
          Status::invalid_handle);
  require(extra == nullptr, Status::not_supported);
  check_launch(*kernel, shape);
  if (cooperative) check_cooperative(*kernel, shape);
  Arguments captured(*kernel, arguments);
  on->context().push(*on, launch_work(*on, std::move(kernel), shape, std::move(captured)));
  return Status::ok;
}

Status can_access_peer(int* out, int device, int peer) {
  require_initialized();
  require(out != nullptr, Status::invalid_value);
  machine().device(device);
  machine().device(peer);
  *out = device != peer ? 1 : 0;
  return Status::ok;
}

Status set_peer(Device& peer, bool enabled) {
  Context& current = context();
  require(&peer != &current.device(), Status::invalid_device);
  require(current.set_peer(peer.index(), enabled),
          enabled ? Status::peer_already_enabled : Status::peer_not_enabled);
  return Status::ok;
}

Status create_graph(Handle* out, unsigned flags) {
  context();
  require(out != nullptr && flags == 0, Status::invalid_value);
  *out = machine().graphs.add(std::make_shared<Graph>());
  return Status::ok;
}

Status destroy_graph(Handle handle) {
  require_initialized();
  const std::shared_ptr<Graph> graph = remove_handle(machine().graphs, handle);
  machine().nodes.remove_if([&](const Node& node) { return node.graph == graph.get(); });
  return Status::ok;
}

Status add_node(Handle* out, Handle graph_handle, void* const* after, std::size_t after_count,
                Task task) {
  context();
  require(out != nullptr && (after_count == 0 || after != nullptr), Status::invalid_value);
  const std::shared_ptr<Graph> graph = require_handle(machine().graphs, graph_handle);
  std::vector<std::shared_ptr<Node>> nodes;
  for (std::size_t i = 0; i < after_count; ++i)
    nodes.push_back(require_handle(machine().nodes, after[i]));
  *out = machine().nodes.add(graph->add(std::move(task), nodes));
  return Status::ok;
}

Task launch_task(Handle function, const LaunchShape& shape, void** arguments, void** extra) {
  context();
  std::shared_ptr<Kernel> kernel = require_kernel(function);
  require(extra == nullptr, Status::not_supported);
  check_launch(*kernel, shape);
  auto captured = std::make_shared<Arguments>(*kernel, arguments);
  return LaunchTask{std::move(kernel), shape, std::move(captured)};
}

Task copy_task(const Copy& copy, Place dst, Place src) {
  context();
  check_copy(copy, dst, src);
  return copy;
}

Task fill_task(const Fill& fill) {
  context();
  check_fill(fill);
  return fill;
}

Status instantiate(Handle* out, Handle graph) {
  Context& current = context();
  require(out != nullptr, Status::invalid_value);
  *out = machine().execs.add(
      std::make_shared<Exec>(current, *require_handle(machine().graphs, graph)));
  return Status::ok;
}

Status update_kernel(Handle exec, Handle node, Task task) {
  context();
  require_handle(machine().execs, exec)
      ->update(*require_handle(machine().nodes, node), std::get<LaunchTask>(std::move(task)));
  return Status::ok;
}

Status launch_graph(Handle exec_handle, Handle stream_handle) {
  const std::shared_ptr<Stream> on = stream(stream_handle);
  const std::shared_ptr<Exec> exec = require_handle(machine().execs, exec_handle);
  require(&exec->context() == &on->context(), Status::invalid_handle);
  exec->launch(*on);
  return Status::ok;
}

Status destroy_exec(Handle exec) {
  require_initialized();
  return remove_handle(machine().execs, exec)->context().status();
}

}  // namespace sampan::emulator::driver
