#include "kernels/target.h"

#include "sampan/ops/plan.h"

namespace sampan::test {

ForcedProvider::ForcedProvider(const std::string& provider) { ops::set_provider(provider); }
ForcedProvider::~ForcedProvider() { ops::set_provider(""); }

}  // namespace sampan::test
