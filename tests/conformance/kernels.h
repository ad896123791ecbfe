// The kernels that the suite launches, in the portable dialect.
#pragma once

#include <string>

namespace sampan::conformance {

/// axpy             (u32 n, f32 alpha, x, u64 x_offset, y, u64 y_offset): y += alpha * x; 64 items
/// advance           (u32 n, u32 factor, u32 term, data): data = data * factor + term; 64 items
/// spin             (u32 rounds, u32 seed, out): out[0] = an LCG's state after `rounds`; 1 item
/// reverse_<n>      (in, out): each group of n items reverses its n numbers through local memory
/// pass_on          (u32 rounds, in, out): 64 items pass their numbers around in local memory
/// ids_<x>x<y>x<z>  (out): every item writes its ids into its own 8 words
/// count            (counter): one atomic addition for each of 64 items
/// scalar_<type>    (value, out): out[0], out[1] = the value's bits, low word first; 1 item
/// many_scalars     nine values of all types between two buffers; 1 item
/// nullable         (maybe, out): out[0] = whether `maybe` is a null pointer; 1 item
/// vf_double_<DT>   (u32 n, x, y): y = 2 * x by vectors, the last one in part; 16 items
[[nodiscard]] const std::string& kernel_text();

}  // namespace sampan::conformance
