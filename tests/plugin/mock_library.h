// The mock backend in this process, by way of SAMPAN_PLUGIN_PATH.
#pragma once

#include <string>

#include "mock/mock_control.h"

namespace sampan_test {

/// Makes plug-ins visible to Sampan: copies the libraries and writes manifests into a folder of
/// this process's, removed at its end. Call before the first use of Sampan.
void offer_plugin(const std::string& name, const std::string& library);

/// The mock's controls, once Sampan has loaded it.
[[nodiscard]] const SampanMockControl& mock();

}  // namespace sampan_test
