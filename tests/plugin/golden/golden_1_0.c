/* A plug-in as a vendor wrote it when the ABI was at minor 0: one device, synchronous, with memory,
 * streams and events. Frozen, as the header it is built against: it must go on loading and working.
 */
#include <stdlib.h>
#include <string.h>

#include "sampan_abi_1_0.h"

struct sampan_device {
  uint32_t ordinal;
};
struct sampan_memory {
  unsigned char* bytes;
  int is_ours;
};
struct sampan_stream {
  sampan_device_t* device;
};
struct sampan_event {
  int is_reached;
};

static sampan_device_t the_device;

static sampan_code_t fail(sampan_error_t* error, sampan_code_t code, const char* message) {
  error->code = code;
  error->flags = 0;
  strncpy(error->message, message, sizeof(error->message) - 1);
  error->message[sizeof(error->message) - 1] = '\0';
  return code;
}

/* ---- Device ---- */

static sampan_code_t count(uint32_t* out_count, sampan_error_t* error) {
  (void)error;
  *out_count = 1;
  return SAMPAN_OK;
}

static sampan_code_t describe(uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  sampan_device_info_t info;
  size_t room = out->size < sizeof(info) ? out->size : sizeof(info);
  uint32_t i;
  (void)ordinal;
  (void)error;
  memset(&info, 0, sizeof(info));
  info.size = (uint32_t)room;
  info.kind = SAMPAN_DEVICE_ACCELERATOR;
  info.capabilities = ~(uint64_t)0;
  strcpy(info.name, "Golden 1.0");
  strcpy(info.vendor, "Acme");
  strcpy(info.driver, "acme 1");
  info.emulated = 1;
  info.memory_bytes = info.max_allocation_bytes = 64u << 20;
  info.offset_alignment_bytes = 1;
  info.compute_units = info.subgroup_size = 1;
  info.max_group_items = 1;
  for (i = 0; i < 3; ++i) info.max_group[i] = info.max_grid[i] = 1;
  memcpy(out, &info, room);
  return SAMPAN_OK;
}

static sampan_code_t open_device(uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  (void)error;
  the_device.ordinal = ordinal;
  *out = &the_device;
  return SAMPAN_OK;
}

static void close_device(sampan_device_t* device) { (void)device; }

static sampan_code_t memory_info(sampan_device_t* device, uint64_t* out_free_bytes,
                                 uint64_t* out_total_bytes, sampan_error_t* error) {
  (void)device;
  (void)error;
  *out_free_bytes = *out_total_bytes = 64u << 20;
  return SAMPAN_OK;
}

static sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  (void)device;
  (void)error;
  return SAMPAN_OK;
}

static sampan_code_t device_native(sampan_device_t* device, void** out, sampan_error_t* error) {
  (void)device;
  (void)out;
  return fail(error, SAMPAN_UNSUPPORTED, "this device has no handle");
}

/* ---- Memory ---- */

static sampan_code_t allocate(sampan_device_t* device, uint32_t kind, uint64_t size_bytes,
                              sampan_memory_t** out, sampan_error_t* error) {
  sampan_memory_t* memory = malloc(sizeof(*memory));
  (void)device;
  (void)kind;
  if (memory == NULL) return fail(error, SAMPAN_OUT_OF_HOST_MEMORY, "no host memory is left");
  memory->is_ours = 1;
  memory->bytes = aligned_alloc(256, (size_t)((size_bytes + 255) / 256 * 256));
  if (memory->bytes == NULL) {
    free(memory);
    return fail(error, SAMPAN_OUT_OF_DEVICE_MEMORY, "no device memory is left");
  }
  *out = memory;
  return SAMPAN_OK;
}

static sampan_code_t adopt(sampan_device_t* device, void* pointer, uint64_t size_bytes,
                           sampan_memory_t** out, sampan_error_t* error) {
  sampan_memory_t* memory = malloc(sizeof(*memory));
  (void)device;
  (void)size_bytes;
  if (memory == NULL) return fail(error, SAMPAN_OUT_OF_HOST_MEMORY, "no host memory is left");
  memory->is_ours = 0;
  memory->bytes = pointer;
  *out = memory;
  return SAMPAN_OK;
}

static void release(sampan_memory_t* memory) {
  if (memory->is_ours) free(memory->bytes);
  free(memory);
}

static sampan_code_t address(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  (void)error;
  *out = memory->bytes;
  return SAMPAN_OK;
}

/* ---- Stream: everything has run when the call returns ---- */

static unsigned char* at(sampan_region_t region) {
  return region.memory->bytes + region.offset_bytes;
}

static sampan_code_t create_stream(sampan_device_t* device, const sampan_stream_options_t* options,
                                   sampan_stream_t** out, sampan_error_t* error) {
  sampan_stream_t* stream = malloc(sizeof(*stream));
  (void)options;
  if (stream == NULL) return fail(error, SAMPAN_OUT_OF_HOST_MEMORY, "no host memory is left");
  stream->device = device;
  *out = stream;
  return SAMPAN_OK;
}

static void destroy_stream(sampan_stream_t* stream) { free(stream); }

static sampan_code_t launch(sampan_stream_t* stream, const sampan_launch_t* what,
                            sampan_error_t* error) {
  (void)stream;
  (void)what;
  return fail(error, SAMPAN_UNSUPPORTED, "this device has no kernels");
}

static sampan_code_t copy(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                          uint64_t size_bytes, sampan_error_t* error) {
  (void)stream;
  (void)error;
  memcpy(at(dst), at(src), (size_t)size_bytes);
  return SAMPAN_OK;
}

static sampan_code_t copy_2d(sampan_stream_t* stream, const sampan_copy_2d_t* area,
                             sampan_error_t* error) {
  uint64_t row;
  (void)stream;
  (void)error;
  for (row = 0; row < area->rows; ++row) {
    memcpy(at(area->dst) + row * area->dst_pitch_bytes, at(area->src) + row * area->src_pitch_bytes,
           (size_t)area->row_bytes);
  }
  return SAMPAN_OK;
}

static sampan_code_t copy_to_device(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                                    uint64_t size_bytes, sampan_error_t* error) {
  (void)stream;
  (void)error;
  memcpy(at(dst), host, (size_t)size_bytes);
  return SAMPAN_OK;
}

static sampan_code_t copy_to_host(sampan_stream_t* stream, void* host, sampan_region_t src,
                                  uint64_t size_bytes, sampan_error_t* error) {
  (void)stream;
  (void)error;
  memcpy(host, at(src), (size_t)size_bytes);
  return SAMPAN_OK;
}

static sampan_code_t fill(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                          uint32_t pattern_bytes, uint64_t size_bytes, sampan_error_t* error) {
  uint64_t done;
  (void)stream;
  (void)error;
  for (done = 0; done < size_bytes; done += pattern_bytes) {
    memcpy(at(dst) + done, pattern, pattern_bytes);
  }
  return SAMPAN_OK;
}

static sampan_code_t wait_event(sampan_stream_t* stream, sampan_event_t* event,
                                sampan_error_t* error) {
  (void)stream;
  (void)event;
  (void)error;
  return SAMPAN_OK;
}

static sampan_code_t host_function(sampan_stream_t* stream,
                                   void (*function)(void* context, int32_t failed), void* context,
                                   sampan_error_t* error) {
  (void)stream;
  (void)error;
  function(context, 0);
  return SAMPAN_OK;
}

static sampan_code_t flush_or_query(sampan_stream_t* stream, sampan_error_t* error) {
  (void)stream;
  (void)error;
  return SAMPAN_OK;
}

static sampan_code_t wait_stream(sampan_stream_t* stream, uint64_t timeout_ns,
                                 sampan_error_t* error) {
  (void)stream;
  (void)timeout_ns;
  (void)error;
  return SAMPAN_OK;
}

/* ---- Event ---- */

static sampan_code_t create_event(sampan_device_t* device, uint32_t flags, sampan_event_t** out,
                                  sampan_error_t* error) {
  sampan_event_t* event = malloc(sizeof(*event));
  (void)device;
  if (event == NULL) return fail(error, SAMPAN_OUT_OF_HOST_MEMORY, "no host memory is left");
  event->is_reached = (flags & SAMPAN_EVENT_SIGNALLED) == 0;
  *out = event;
  return SAMPAN_OK;
}

static void destroy_event(sampan_event_t* event) { free(event); }

static sampan_code_t record(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error) {
  (void)stream;
  (void)error;
  event->is_reached = 1;
  return SAMPAN_OK;
}

static sampan_code_t signal_event(sampan_event_t* event, sampan_code_t code,
                                  sampan_error_t* error) {
  (void)code;
  (void)error;
  event->is_reached = 1;
  return SAMPAN_OK;
}

static sampan_code_t query_event(sampan_event_t* event, sampan_error_t* error) {
  return event->is_reached ? SAMPAN_OK : fail(error, SAMPAN_NOT_READY, "not signalled");
}

static sampan_code_t wait_for_event(sampan_event_t* event, uint64_t timeout_ns,
                                    sampan_error_t* error) {
  (void)timeout_ns;
  return query_event(event, error);
}

static sampan_code_t timestamp(sampan_event_t* event, uint64_t* out_ns, sampan_error_t* error) {
  (void)event;
  (void)out_ns;
  return fail(error, SAMPAN_UNSUPPORTED, "this device has no clock");
}

static const sampan_device_table_t device_table = {sizeof(sampan_device_table_t),
                                                   0,
                                                   count,
                                                   describe,
                                                   open_device,
                                                   close_device,
                                                   memory_info,
                                                   status,
                                                   device_native};
static const sampan_memory_table_t memory_table = {
    sizeof(sampan_memory_table_t), 0, allocate, adopt, adopt, release, address, address};
static const sampan_stream_table_t stream_table = {sizeof(sampan_stream_table_t),
                                                   0,
                                                   create_stream,
                                                   destroy_stream,
                                                   launch,
                                                   copy,
                                                   copy_2d,
                                                   copy_to_device,
                                                   copy_to_host,
                                                   fill,
                                                   wait_event,
                                                   host_function,
                                                   flush_or_query,
                                                   flush_or_query,
                                                   wait_stream};
static const sampan_event_table_t event_table = {sizeof(sampan_event_table_t),
                                                 0,
                                                 create_event,
                                                 destroy_event,
                                                 record,
                                                 signal_event,
                                                 query_event,
                                                 wait_for_event,
                                                 timestamp};

SAMPAN_PLUGIN_EXPORT sampan_code_t sampan_backend_query(const sampan_host_t* host,
                                                        sampan_backend_t* out,
                                                        sampan_error_t* error) {
  sampan_backend_t backend;
  if (host->abi_minor_min > SAMPAN_ABI_MINOR) {
    return fail(error, SAMPAN_UNSUPPORTED, "this plug-in speaks ABI 1.0; install a newer one");
  }
  memset(&backend, 0, sizeof(backend));
  backend.size = sizeof(backend);
  backend.abi_major = SAMPAN_ABI_MAJOR;
  backend.abi_minor = SAMPAN_ABI_MINOR;
  backend.name = "golden";
  backend.version = "1.0";
  backend.build_id = "golden 1.0";
  backend.capabilities = SAMPAN_CAP_MEMORY | SAMPAN_CAP_STREAM | SAMPAN_CAP_EVENT;
  backend.device = &device_table;
  backend.memory = &memory_table;
  backend.stream = &stream_table;
  backend.event = &event_table;
  memcpy(out, &backend, out->size < sizeof(backend) ? out->size : sizeof(backend));
  return SAMPAN_OK;
}
