#include "ops/simple_plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ops/host_stage.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

constexpr std::size_t kMaxViews = 8;

bool has_elems(const Operand& operand) {
  return std::none_of(operand.shape.begin(), operand.shape.begin() + operand.rank,
                      [](std::uint64_t extent) { return extent == 0; });
}

}  // namespace

SimplePlan::SimplePlan(const Device& device_in, SimpleSpec spec)
    : PlanImpl(device_in), spec_(std::move(spec)) {
  choose_provider(*this, spec_.operation, [this](Provider provider, std::string& reason) {
    return attempt(provider, reason);
  });
}

std::optional<std::string> SimplePlan::attempt(Provider provider, std::string& reason) {
  switch (provider) {
    case Provider::backend:
      if (spec_.backend_op == 0) {
        reason = "backends bring no operation of this kind";
        return std::nullopt;
      }
      op_ = make_backend_op(*this, spec_.backend_op, spec_.backend_desc.get(), reason);
      return op_ ? std::optional(op_.name()) : std::nullopt;
    case Provider::portable:
      try {
        portable_ = spec_.load(device);
        return portable_.name;
      } catch (const Error& error) {
        if (error.code() == ErrorCode::device_lost) throw;
        reason = error.what();
        return std::nullopt;
      }
    case Provider::host:
      return attempt_on_host(device, reason, [this](const Device& cpu) {
        host_ = spec_.same_on(cpu);
        return host_.name;
      });
  }
  return std::nullopt;
}

void SimplePlan::run(Stream& stream, std::span<const View> views, std::uint32_t number) const {
  const std::size_t inputs = spec_.operands.size() - spec_.results;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const bool may_lack = spec_.last_input_is_optional && i + 1 == inputs;
    if (!has_elems(spec_.operands[i]) || (may_lack && !views[i])) continue;
    check_operand(views[i], spec_.operands[i]);
  }
  for (std::size_t i = inputs; i < views.size(); ++i) {
    if (!has_elems(spec_.operands[i])) return;
  }
  if (op_) return run_backend(stream, views);
  if (portable_.kernel) return spec_.launch(stream, portable_, views, number);
  run_host(stream, views, number);
}

void SimplePlan::run_backend(Stream& stream, std::span<const View> views) const {
  std::array<Arg, kMaxViews> args = {Arg(nullptr), Arg(nullptr), Arg(nullptr), Arg(nullptr),
                                     Arg(nullptr), Arg(nullptr), Arg(nullptr), Arg(nullptr)};
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (views[i]) args[i] = Arg(views[i]);
  }
  op_.run(stream, std::span(args.data(), views.size()),
          workspace ? workspace.view(DType::u8) : View());
}

void SimplePlan::run_host(Stream& stream, std::span<const View> views, std::uint32_t number) const {
  HostStage stage(stream);
  std::array<View, kMaxViews> staged;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const bool is_result = i + spec_.results >= views.size();
    staged[i] = is_result ? stage.out(views[i]) : stage.in(views[i]);
  }
  host_.run(stage.host_stream(), std::span(staged.data(), views.size()), number);
  stage.finish();
}

LaunchConfig row_config(const PortableKernel& kernel, std::uint64_t rows,
                        std::uint32_t local_bytes_per_item) {
  LaunchConfig config;
  config.grid.x = to_u32(rows, "the number of rows");
  config.group.x = kernel["ITEMS"];
  config.local_bytes = local_bytes_per_item * kernel["ITEMS"];
  return config;
}

LaunchConfig grid_config(const PortableKernel& kernel, std::uint64_t rows, std::uint64_t cols) {
  constexpr std::uint64_t kMaxRows = 65535;  // y of a grid on CUDA; the kernels loop beyond it
  LaunchConfig config;
  config.grid.x = to_u32(ceil_div(cols, std::uint64_t{kernel["ITEMS"]} * kernel["VW"]), "the grid");
  config.grid.y = static_cast<std::uint32_t>(std::min(rows, kMaxRows));
  config.group.x = kernel["ITEMS"];
  return config;
}

}  // namespace sampan::ops
