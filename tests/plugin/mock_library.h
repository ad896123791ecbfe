// The mock backend in this process, by way of SAMPAN_PLUGIN_PATH.
#pragma once

#include <string>

#include "mock/mock_control.h"

namespace sampan_test {

/// Makes plug-ins visible to Sampan: copies the libraries and writes manifests into a folder of
/// this process's, removed at its end. Call before the first use of Sampan.
void offer_plugin(const std::string& name, const std::string& library);

/// The controls of a copy of the mock, once Sampan has loaded it.
[[nodiscard]] const SampanMockControl& mock(const std::string& name = "mock");

}  // namespace sampan_test
