// Breaks the include rule on purpose: the test of the rule counts what it finds here.
#include "backends/acme/any.h"
#include "core/error.h"
  #  include "backends/cpu/device.h"
