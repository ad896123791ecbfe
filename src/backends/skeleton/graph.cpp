#include "backends/skeleton/graph.h"

#include "backends/skeleton/error.h"

namespace sampan::skeleton {
namespace {

sampan_code_t create(sampan_device_t*, const sampan_graph_node_t*, uint32_t, sampan_graph_t**,
                     sampan_error_t* error) {
  return unsupported(error, "graph.create");
}

void destroy(sampan_graph_t*) {}

sampan_code_t update(sampan_graph_t*, uint32_t, const sampan_arg_t*, uint32_t,
                     sampan_error_t* error) {
  return unsupported(error, "graph.update");
}

sampan_code_t replay(sampan_graph_t*, sampan_stream_t*, uint64_t, sampan_error_t* error) {
  return unsupported(error, "graph.replay");
}

}  // namespace

const sampan_graph_table_t kGraphTable = {
    .size = sizeof(sampan_graph_table_t),
    .reserved = 0,
    .create = create,
    .destroy = destroy,
    .update = update,
    .replay = replay,
};

}  // namespace sampan::skeleton
