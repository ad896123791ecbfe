#include "sampan/ops/gemm.h"

#include <array>
#include <memory>
#include <optional>

#include "ops/gemm_desc.h"
#include "ops/gemm_portable.h"
#include "ops/host_stage.h"
#include "ops/plan_impl.h"
#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::ops {
namespace {

class GemmImpl : public PlanImpl {
 public:
  GemmImpl(const Device& device_in, const GemmDesc& desc_in)
      : PlanImpl(device_in), desc(desc_in), layout(check_gemm(desc_in)) {
    choose_provider(*this, "this gemm", [this](Provider provider, std::string& reason) {
      return attempt(provider, reason);
    });
  }

  void run(Stream& stream, const GemmArgs& args) const {
    if (desc.m == 0 || desc.n == 0 || desc.batch == 0) return;
    check_gemm_args(desc, layout, args);
    if (op) return run_backend(stream, args);
    if (portable) return portable.run(stream, args, workspace ? workspace.view(desc.d) : View());
    run_host(stream, args);
  }

 private:
  std::optional<std::string> attempt(Provider provider, std::string& reason);
  std::optional<std::string> attempt_portable(std::string& reason);
  void run_backend(Stream& stream, const GemmArgs& args) const;
  void run_host(Stream& stream, const GemmArgs& args) const;
  [[nodiscard]] sampan_gemm_desc_t to_abi() const;

  GemmDesc desc;
  GemmLayout layout;
  BackendOp op;
  PortableGemm portable;
  std::shared_ptr<const GemmPlan> host;
};

sampan_gemm_desc_t GemmImpl::to_abi() const {
  sampan_gemm_desc_t out{};
  out.size = sizeof(out);
  out.a_type = static_cast<std::uint32_t>(desc.a);
  out.b_type = static_cast<std::uint32_t>(desc.b);
  out.c_type = out.d_type = static_cast<std::uint32_t>(desc.d);
  out.scale_type = static_cast<std::uint32_t>(desc.scale_type);
  out.a_transposed = desc.a_transposed;
  out.b_transposed = desc.b_transposed;
  out.activation = static_cast<std::uint32_t>(desc.activation);
  out.has_bias = desc.has_bias;
  out.has_residual = desc.has_residual;
  out.b_constant = desc.b_constant;
  out.m = desc.m;
  out.n = desc.n;
  out.k = desc.k;
  out.batch = desc.batch;
  out.lda = layout.lda;
  out.ldb = layout.ldb;
  out.ldc = layout.ldc;
  out.ldd = layout.ldd;
  out.ld_residual = layout.ldr;
  out.a_batch_stride = desc.a_batch_stride;
  out.b_batch_stride = desc.b_batch_stride;
  out.c_batch_stride = desc.c_batch_stride;
  out.d_batch_stride = desc.d_batch_stride;
  out.group_k = desc.group_k;
  out.alpha = desc.alpha;
  out.beta = desc.beta;
  return out;
}

std::optional<std::string> GemmImpl::attempt_portable(std::string& reason) try {
  portable = PortableGemm(device, desc, layout);
  if (portable.workspace_bytes() > 0) workspace = device.allocate(portable.workspace_bytes());
  return portable.name();
} catch (const Error& error) {
  if (error.code() == ErrorCode::device_lost) throw;
  portable = {};
  reason = error.what();
  return std::nullopt;
}

std::optional<std::string> GemmImpl::attempt(Provider provider, std::string& reason) {
  switch (provider) {
    case Provider::backend: {
      const sampan_gemm_desc_t abi = to_abi();
      op = make_backend_op(*this, SAMPAN_OP_GEMM, &abi, reason);
      return op ? std::optional(op.name()) : std::nullopt;
    }
    case Provider::portable:
      return attempt_portable(reason);
    case Provider::host:
      return attempt_on_host(device, reason, [this](const Device& cpu) {
        host = std::make_shared<const GemmPlan>(cpu, desc);
        return host->why().front().name;
      });
  }
  return std::nullopt;
}

void GemmImpl::run_backend(Stream& stream, const GemmArgs& args) const {
  const auto arg = [](const View& view) { return view ? Arg(view) : Arg(nullptr); };
  const std::array<Arg, 7> list = {arg(args.a),    arg(args.b),        arg(args.c),
                                   arg(args.bias), arg(args.residual), arg(args.scales),
                                   arg(args.d)};
  op.run(stream, list, workspace ? workspace.view(DType::u8) : View());
}

void GemmImpl::run_host(Stream& stream, const GemmArgs& args) const {
  HostStage stage(stream);
  GemmArgs copy;
  copy.a = stage.in(args.a);
  copy.b = stage.in(args.b);
  copy.c = stage.in(args.c);
  copy.bias = stage.in(args.bias);
  copy.residual = stage.in(args.residual);
  copy.scales = stage.in(args.scales);
  copy.d = stage.out(args.d);
  host->run(stage.host_stream(), copy);
  stage.finish();
}

}  // namespace

GemmPlan::GemmPlan(const Device& device, const GemmDesc& desc)
    : Plan(std::make_shared<GemmImpl>(device, desc)) {}

void GemmPlan::run(Stream& stream, const GemmArgs& args) const {
  static_cast<const GemmImpl&>(impl()).run(stream, args);
}

}  // namespace sampan::ops
