// Breaks the include rule on purpose: the test of the rule counts what it finds here.
#include <vector>
#include "core/any.h"
#include "backends/cpu/device.h"
#include "ops/plan_impl.h"
