#pragma once

#include <cstdint>
#include <string>

#include "ops/gemm_desc.h"
#include "ops/portable.h"
#include "sampan/stream.h"

namespace sampan::ops {

/// A product by the kernels that ship with Sampan: gemm, gemv, gemm_i8, gemm_quant or gemv_quant.
class PortableGemm {
 public:
  PortableGemm() = default;
  /// Chooses the kernel and its tile and loads them. Throws unsupported, or what loading throws.
  PortableGemm(const Device& device, const GemmDesc& desc, const GemmLayout& layout);

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(kernel_.kernel); }
  [[nodiscard]] const std::string& name() const { return kernel_.name; }
  /// Device memory that each run needs.
  [[nodiscard]] std::uint64_t workspace_bytes() const;
  /// Launches; the arguments have been checked, D has elements, nothing is allocated.
  void run(Stream& stream, const GemmArgs& args, const View& workspace) const;

 private:
  /// A [m, n] matrix for each batch.
  struct Matrices {
    View view;
    std::uint64_t ld, batch_stride;
  };

  void load_kernel(const Device& device);
  void copy(Stream& stream, const Matrices& to, const Matrices& from) const;
  void launch_float(Stream& stream, const GemmArgs& args, const Matrices& residual) const;
  void launch_integer(Stream& stream, const GemmArgs& args) const;
  void launch_quantised(Stream& stream, const GemmArgs& args, const Matrices& residual) const;
  [[nodiscard]] std::uint32_t flags() const;
  [[nodiscard]] LaunchConfig config(std::uint64_t batches) const;

  GemmDesc desc_;
  GemmLayout layout_;
  PortableKernel kernel_, copy_;
  bool is_gemv_ = false;  // the kernel is one for few rows
};

}  // namespace sampan::ops
