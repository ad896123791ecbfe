// Breaks the include rule on purpose: the test of the rule counts what it finds here.
#include <core/error.h>
#include <cuda_runtime.h>
#include "../src/core/error.h"
#include "sampan/device.h"
