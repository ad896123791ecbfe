// Reference values that carry an a-priori bound on what a device may return.
//
// A `Bounded` is an exact value and the largest distance at which a correct device may land. Every
// function below is one lemma of README.md: it maps bounds on the inputs to a bound on the output,
// for any device that obeys an `Arithmetic`. An operation's bound is the composition of lemmas
// along its formula, so it is derived, and nowhere fitted to what a device happened to print.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/dtype.h"

namespace sampan::reference {

/// What a device's intermediate arithmetic may do to one result.
struct Arithmetic {
  /// Largest relative error of one +, -, * or fused multiply-add.
  double roundoff;
  /// Inputs and results of smaller magnitude may be replaced by zero, and no result is less
  /// accurate than this in absolute terms.
  double flush;
  /// Largest errors of the other functions in units in the last place of the result; one ulp is
  /// at most 2 * roundoff, relatively.
  double quotient_ulps;
  double rsqrt_ulps;
  double exp2_ulps;
  double tanh_ulps;
  double erf_ulps;
  double sincos_ulps;
};

/// f32 with rounding to nearest. 2^-24 is the format's roundoff; 2^-50 more pays for the f64
/// oracle's own rounding and for that of the functions it takes from libm.
/// Subnormals may be flushed: their support is optional in OpenCL, and off in many GPU modes.
/// The ulps are those that OpenCL's full profile requires (OpenCL 3.0 numerical compliance,
/// "ULP values for math instructions": x/y 2.5, rsqrt 2, sqrt 3, exp2 3, tanh 5, erf and erfc 16,
/// sin and cos 4), except that a quotient may be a product with a reciprocal (2.5 + 0.5 ulp) and a
/// reciprocal root may be a reciprocal of a root (2.5 + 3 ulp).
inline constexpr Arithmetic kFloat32{.roundoff = 0x1p-24 + 0x1p-50,
                                     .flush = 0x1p-126,
                                     .quotient_ulps = 3,
                                     .rsqrt_ulps = 5.5,
                                     .exp2_ulps = 3,
                                     .tanh_ulps = 5,
                                     .erf_ulps = 16,
                                     .sincos_ulps = 4};

/// Higham's gamma_n = n*u / (1 - n*u); infinity where n*u >= 1.
[[nodiscard]] double gamma(double roundings, const Arithmetic& arithmetic);

/// A device's result lies in [value - error, value + error]. `error` >= 0. A NaN or an infinity has
/// error 0: the device must return the same.
struct Bounded {
  double value = 0;
  double error = 0;
};

[[nodiscard]] Bounded exact(double value);

// One device operation each. Names say the operation; the lemma's number is in README.md.
[[nodiscard]] Bounded add(const Arithmetic&, Bounded a, Bounded b);
[[nodiscard]] Bounded subtract(const Arithmetic&, Bounded a, Bounded b);
[[nodiscard]] Bounded multiply(const Arithmetic&, Bounded a, Bounded b);
/// a / b. Infinite error where b's interval contains zero.
[[nodiscard]] Bounded divide(const Arithmetic&, Bounded a, Bounded b);
/// 1 / sqrt(a). Infinite error where a's interval reaches zero.
[[nodiscard]] Bounded reciprocal_sqrt(const Arithmetic&, Bounded a);
/// e^a, also where it is computed as exp2(a * log2(e)).
[[nodiscard]] Bounded exponential(const Arithmetic&, Bounded a);
[[nodiscard]] Bounded hyperbolic_tangent(const Arithmetic&, Bounded a);
[[nodiscard]] Bounded error_function(const Arithmetic&, Bounded a);
/// 1 - erf(a), computed without that subtraction.
[[nodiscard]] Bounded complementary_error_function(const Arithmetic&, Bounded a);
[[nodiscard]] Bounded sine(const Arithmetic&, Bounded a);
[[nodiscard]] Bounded cosine(const Arithmetic&, Bounded a);
/// 1 / (1 + e^-a).
[[nodiscard]] Bounded logistic(const Arithmetic&, Bounded a);

/// Collects a sum whose terms a device may add in any order and grouping.
class Sum {
 public:
  explicit Sum(const Arithmetic& arithmetic) : arithmetic_(arithmetic) {}

  void add(Bounded term);
  /// Adds a product whose rounding the device may fuse into the addition.
  void add_product(Bounded a, Bounded b);

  /// The sum, where `extra_roundings` more than one per term may hit each term on its way.
  [[nodiscard]] Bounded total(int extra_roundings = 0) const;
  [[nodiscard]] std::int64_t terms() const { return terms_; }

 private:
  Arithmetic arithmetic_;
  double value_ = 0;
  double magnitude_ = 0;  // sum of |term| + its error
  double error_ = 0;      // sum of the terms' own errors
  std::int64_t terms_ = 0;
};

/// Where a device may evaluate either of two formulas of the same value: the wider of the bounds.
[[nodiscard]] Bounded either(Bounded a, Bounded b);

/// What a buffer of type `out` holds after an f32 result was stored to it: one more rounding where
/// `out` is narrower than f32. `out` must be a floating-point type.
[[nodiscard]] Bounded stored(const Arithmetic&, Dtype out, Bounded result);

/// Every element of an operation's output, row-major and compact in the shape the operation states.
/// A device's element i passes if it lies within bound[i] of value[i].
struct Result {
  std::vector<double> value;
  std::vector<double> bound;

  void reserve(std::size_t count);
  void append(Bounded element);
};

}  // namespace sampan::reference
