/* The plug-in ABI as it was at minor 0, comments and the groups that the golden plug-in doesn't
 * have left out. Frozen: the plug-ins that were built against it exist, and can't be edited either.
 */
#ifndef SAMPAN_TESTS_ABI_1_0_H
#define SAMPAN_TESTS_ABI_1_0_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SAMPAN_ABI_MAJOR 1u
#define SAMPAN_ABI_MINOR 0u

#if defined(_WIN32)
#define SAMPAN_PLUGIN_EXPORT __declspec(dllexport)
#else
#define SAMPAN_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

typedef int32_t sampan_code_t;
enum {
  SAMPAN_OK = 0,
  SAMPAN_INVALID_ARGUMENT = 1,
  SAMPAN_UNSUPPORTED = 2,
  SAMPAN_OUT_OF_DEVICE_MEMORY = 3,
  SAMPAN_OUT_OF_HOST_MEMORY = 4,
  SAMPAN_DEVICE_LOST = 5,
  SAMPAN_NOT_FOUND = 6,
  SAMPAN_COMPILE_FAILED = 7,
  SAMPAN_INVALID_BINARY = 8,
  SAMPAN_LAUNCH_FAILED = 9,
  SAMPAN_ILLEGAL_ACCESS = 10,
  SAMPAN_TIMEOUT = 11,
  SAMPAN_NOT_READY = 12,
  SAMPAN_DRIVER_ERROR = 13,
  SAMPAN_INTERNAL = 14
};

enum {
  SAMPAN_ERROR_RETRYABLE = 1u << 0,
  SAMPAN_ERROR_STICKY = 1u << 1,
  SAMPAN_ERROR_DEVICE_LOST = 1u << 2,
};

typedef struct sampan_error {
  uint32_t size;
  sampan_code_t code;
  uint32_t flags;
  uint32_t reserved;
  int64_t driver_code;
  uint64_t sequence;
  char driver_call[64];
  char kernel[128];
  char message[512];
  char* detail;
  uint64_t detail_bytes;
} sampan_error_t;

typedef struct sampan_device sampan_device_t;
typedef struct sampan_memory sampan_memory_t;
typedef struct sampan_stream sampan_stream_t;
typedef struct sampan_event sampan_event_t;
typedef struct sampan_module sampan_module_t;
typedef struct sampan_kernel sampan_kernel_t;

typedef struct sampan_region {
  sampan_memory_t* memory;
  uint64_t offset_bytes;
} sampan_region_t;

enum { SAMPAN_LOG_ERROR = 1, SAMPAN_LOG_WARNING = 2, SAMPAN_LOG_INFO = 3, SAMPAN_LOG_DEBUG = 4 };

typedef struct sampan_host {
  uint32_t size;
  uint32_t abi_major;
  uint32_t abi_minor_min;
  uint32_t abi_minor_max;
  void* context;

  void* (*allocate)(void* context, size_t size_bytes, size_t alignment_bytes);
  void (*deallocate)(void* context, void* pointer);
  void (*log)(void* context, int32_t level, const char* domain, const char* message);

  void (*report_fault)(void* context, sampan_device_t* device, const sampan_error_t* error);
} sampan_host_t;

enum { SAMPAN_DEVICE_CPU = 1, SAMPAN_DEVICE_GPU = 2, SAMPAN_DEVICE_ACCELERATOR = 3 };

enum {
  SAMPAN_LANGUAGE_NONE = 0,
  SAMPAN_LANGUAGE_CPP = 1,
  SAMPAN_LANGUAGE_OPENCL_C = 2,
  SAMPAN_LANGUAGE_CUDA = 3,
  SAMPAN_LANGUAGE_HIP = 4
};

enum {
  SAMPAN_FEATURE_HOST_ACCESS = 1u << 0,
  SAMPAN_FEATURE_SUBGROUPS = 1u << 1,
  SAMPAN_FEATURE_F64 = 1u << 2
};

typedef struct sampan_device_info {
  uint32_t size;
  uint32_t kind;
  uint32_t language;
  uint32_t features;
  uint64_t capabilities;
  char name[128];
  char vendor[64];
  char driver[64];
  char isa[128];
  char tile_class[32];
  char compile_options[256];
  uint8_t uuid[16];
  uint32_t pci_known;
  uint32_t pci_domain, pci_bus, pci_device, pci_function;
  uint32_t emulated;
  uint64_t memory_bytes;
  uint64_t max_allocation_bytes;
  uint64_t offset_alignment_bytes;
  uint64_t local_memory_bytes;
  uint32_t compute_units;
  uint32_t subgroup_size;
  uint32_t max_group_items;
  uint32_t max_group[3];
  uint32_t max_grid[3];
  uint32_t reserved;
} sampan_device_info_t;

typedef struct sampan_device_table {
  uint32_t size;
  uint32_t reserved;

  sampan_code_t (*count)(uint32_t* out_count, sampan_error_t* error);

  sampan_code_t (*describe)(uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error);

  sampan_code_t (*open)(uint32_t ordinal, sampan_device_t** out, sampan_error_t* error);

  void (*close)(sampan_device_t* device);

  sampan_code_t (*memory_info)(sampan_device_t* device, uint64_t* out_free_bytes,
                               uint64_t* out_total_bytes, sampan_error_t* error);

  sampan_code_t (*status)(sampan_device_t* device, sampan_error_t* error);

  sampan_code_t (*native)(sampan_device_t* device, void** out, sampan_error_t* error);
} sampan_device_table_t;

enum { SAMPAN_MEMORY_DEVICE = 1, SAMPAN_MEMORY_HOST = 2 };

typedef struct sampan_memory_table {
  uint32_t size;
  uint32_t reserved;

  sampan_code_t (*allocate)(sampan_device_t* device, uint32_t kind, uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error);

  sampan_code_t (*register_host)(sampan_device_t* device, void* pointer, uint64_t size_bytes,
                                 sampan_memory_t** out, sampan_error_t* error);

  sampan_code_t (*wrap)(sampan_device_t* device, void* native, uint64_t size_bytes,
                        sampan_memory_t** out, sampan_error_t* error);

  void (*release)(sampan_memory_t* memory);

  sampan_code_t (*host_address)(sampan_memory_t* memory, void** out, sampan_error_t* error);

  sampan_code_t (*native)(sampan_memory_t* memory, void** out, sampan_error_t* error);
} sampan_memory_table_t;

enum { SAMPAN_ARG_VALUE = 0, SAMPAN_ARG_REGION = 1 };

typedef struct sampan_arg {
  uint32_t kind;
  uint32_t size_bytes;
  union {
    sampan_region_t region;
    uint8_t value[16];
  } u;
} sampan_arg_t;

typedef struct sampan_launch {
  uint32_t size;
  uint32_t arg_count;
  sampan_kernel_t* kernel;
  const sampan_arg_t* args;
  uint32_t grid[3];
  uint32_t group[3];
  uint32_t local_bytes;
  uint32_t cooperative;
  uint64_t sequence;
} sampan_launch_t;

typedef struct sampan_copy_2d {
  uint32_t size;
  uint32_t reserved;
  sampan_region_t dst, src;
  uint64_t dst_pitch_bytes, src_pitch_bytes;
  uint64_t row_bytes, rows;
} sampan_copy_2d_t;

typedef struct sampan_stream_options {
  uint32_t size;
  int32_t priority;
} sampan_stream_options_t;

#define SAMPAN_WAIT_FOREVER UINT64_MAX

typedef struct sampan_stream_table {
  uint32_t size;
  uint32_t reserved;
  sampan_code_t (*create)(sampan_device_t* device, const sampan_stream_options_t* options,
                          sampan_stream_t** out, sampan_error_t* error);

  void (*destroy)(sampan_stream_t* stream);

  sampan_code_t (*launch)(sampan_stream_t* stream, const sampan_launch_t* launch,
                          sampan_error_t* error);

  sampan_code_t (*copy)(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        uint64_t size_bytes, sampan_error_t* error);
  sampan_code_t (*copy_2d)(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                           sampan_error_t* error);

  sampan_code_t (*copy_to_device)(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                                  uint64_t size_bytes, sampan_error_t* error);
  sampan_code_t (*copy_to_host)(sampan_stream_t* stream, void* host, sampan_region_t src,
                                uint64_t size_bytes, sampan_error_t* error);

  sampan_code_t (*fill)(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                        uint32_t pattern_bytes, uint64_t size_bytes, sampan_error_t* error);

  sampan_code_t (*wait_event)(sampan_stream_t* stream, sampan_event_t* event,
                              sampan_error_t* error);

  sampan_code_t (*host_function)(sampan_stream_t* stream,
                                 void (*function)(void* context, int32_t failed), void* context,
                                 sampan_error_t* error);

  sampan_code_t (*flush)(sampan_stream_t* stream, sampan_error_t* error);

  sampan_code_t (*query)(sampan_stream_t* stream, sampan_error_t* error);

  sampan_code_t (*wait)(sampan_stream_t* stream, uint64_t timeout_ns, sampan_error_t* error);
} sampan_stream_table_t;

enum {
  SAMPAN_EVENT_TIMING = 1u << 0,
  SAMPAN_EVENT_SIGNALLED = 1u << 1,
};

typedef struct sampan_event_table {
  uint32_t size;
  uint32_t reserved;
  sampan_code_t (*create)(sampan_device_t* device, uint32_t flags, sampan_event_t** out,
                          sampan_error_t* error);

  void (*destroy)(sampan_event_t* event);

  sampan_code_t (*record)(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error);

  sampan_code_t (*signal)(sampan_event_t* event, sampan_code_t code, sampan_error_t* error);

  sampan_code_t (*query)(sampan_event_t* event, sampan_error_t* error);
  sampan_code_t (*wait)(sampan_event_t* event, uint64_t timeout_ns, sampan_error_t* error);

  sampan_code_t (*timestamp)(sampan_event_t* event, uint64_t* out_ns, sampan_error_t* error);
} sampan_event_table_t;

enum { SAMPAN_FORMAT_SOURCE = 1, SAMPAN_FORMAT_NATIVE = 2, SAMPAN_FORMAT_SPIRV = 3 };

typedef struct sampan_module_desc {
  uint32_t size;
  uint32_t format;
  const void* code;
  uint64_t code_bytes;
  const char* name;
  const char* options;
  uint32_t builtin;
  uint32_t reserved;
} sampan_module_desc_t;

typedef struct sampan_kernel_info {
  uint32_t size;
  uint32_t group[3];
  uint32_t max_group_items;
  uint32_t arg_count;
  uint64_t local_bytes;
  uint64_t private_bytes;
  uint32_t registers;
  uint32_t reserved;
} sampan_kernel_info_t;

typedef struct sampan_module_table {
  uint32_t size;
  uint32_t reserved;

  sampan_code_t (*load)(sampan_device_t* device, const sampan_module_desc_t* desc,
                        sampan_module_t** out, sampan_error_t* error);
  void (*unload)(sampan_module_t* module);

  sampan_code_t (*kernel)(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                          sampan_error_t* error);
  sampan_code_t (*kernel_info)(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                               sampan_error_t* error);

  sampan_code_t (*binary)(sampan_module_t* module,
                          void (*sink)(void* context, const void* bytes, uint64_t size_bytes),
                          void* context, sampan_error_t* error);
} sampan_module_table_t;

enum {
  SAMPAN_CAP_MEMORY = 1u << 0,
  SAMPAN_CAP_STREAM = 1u << 1,
  SAMPAN_CAP_EVENT = 1u << 2,
  SAMPAN_CAP_MODULE = 1u << 3,
  SAMPAN_CAP_GRAPH = 1u << 4,
  SAMPAN_CAP_PEER = 1u << 5,
  SAMPAN_CAP_PROFILE = 1u << 6,
  SAMPAN_CAP_TELEMETRY = 1u << 7,
  SAMPAN_CAP_OPS = 1u << 8
};

typedef struct sampan_backend {
  uint32_t size;
  uint32_t abi_major, abi_minor;
  uint32_t reserved;
  const char* name;
  const char* version;
  const char* build_id;
  const char* driver_path;
  uint64_t capabilities;
  const sampan_device_table_t* device;
  const sampan_memory_table_t* memory;
  const sampan_stream_table_t* stream;
  const sampan_event_table_t* event;
  const sampan_module_table_t* module;
  const void* graph;
  const void* peer;
  const void* profile;
  const void* telemetry;
  const void* ops;
} sampan_backend_t;

#define SAMPAN_BACKEND_QUERY_NAME "sampan_backend_query"
typedef sampan_code_t (*sampan_backend_query_fn)(const sampan_host_t* host, sampan_backend_t* out,
                                                 sampan_error_t* error);
SAMPAN_PLUGIN_EXPORT sampan_code_t sampan_backend_query(const sampan_host_t* host,
                                                        sampan_backend_t* out,
                                                        sampan_error_t* error);

#ifdef __cplusplus
}
#endif

#endif
