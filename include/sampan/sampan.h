#pragma once

/// Everything but the operations (sampan/ops/*.h) and the plug-in ABI (sampan/plugin/backend.h).
#include "sampan/buffer.h"
#include "sampan/device.h"
#include "sampan/dlpack.h"
#include "sampan/dtype.h"
#include "sampan/error.h"
#include "sampan/event.h"
#include "sampan/graph.h"
#include "sampan/launch.h"
#include "sampan/log.h"
#include "sampan/module.h"
#include "sampan/stream.h"
#include "sampan/view.h"
