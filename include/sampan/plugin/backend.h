/* The C ABI between the Sampan library (the host) and a backend (the plug-in). C11, no dependency.
 *
 * A plug-in exports one function, `sampan_backend_query`. Everything else is reached through the
 * tables that it returns. Rules that hold for the whole file and are not repeated below:
 *
 *   Sizes       Every struct starts with `size`: its sizeof as the side that filled it was compiled.
 *               A reader touches min(own sizeof, size) bytes. Structs only grow, at the end; enum
 *               values are never renumbered; reserved words are zero.
 *   Tables      A table may be shorter than the host's (older minor): the missing functions count as
 *               UNSUPPORTED. It may be longer (newer minor): the host ignores the rest. A NULL entry
 *               counts as UNSUPPORTED, too.
 *   Groups      A capability bit promises a complete group: the plug-in that sets a bit and leaves
 *               one of the group's functions out is refused. A set bit never answers UNSUPPORTED,
 *               except where a function below says so.
 *   Errors      Functions return SAMPAN_OK or a code and then have filled `error`, which the caller
 *               owns and which is never NULL. Output arguments are untouched on failure. Nothing
 *               throws, aborts, exits or prints across this boundary; no "last error" is kept.
 *               Every call may return OUT_OF_HOST_MEMORY, DEVICE_LOST and DRIVER_ERROR; the codes
 *               listed at a function come on top.
 *   Validation  The host has checked every argument it can check: handles are live and belong to the
 *               device, offsets and sizes lie inside the memory and don't overflow, pointers are not
 *               NULL, sizes are not 0. A backend reports only what the host could not know.
 *   Order       Work on one stream runs in submission order and sees what earlier work wrote.
 *               Streams are unordered among each other except through events. Functions of the
 *               stream group that take work return before it has run, unless they say otherwise.
 *   Threads     Device, memory, event, module and graph handles are free-threaded. A stream takes
 *               one caller at a time (wait and query excepted: any thread may call them at any time).
 *               Different streams share no lock on the way of a launch. A backend restores any ambient
 *               driver state (a current device, say) that it changes.
 *   Failure     Asynchronous failure belongs to its stream: every later call on the stream returns
 *               the first cause, with the sequence number and kernel name of the work that failed.
 *               Other streams and devices go on, unless the device is lost. Nothing waits for ever on
 *               work that can't complete: waiters get the cause.
 *   Lifetime    Handles are destroyed by their own function, once; destroying never fails. The host
 *               destroys children before parents. A plug-in stays mapped until the process ends and has
 *               no static destructor that touches a driver: exit may come in any order.
 *   Text        UTF-8, zero-terminated, truncated to the array it lies in.
 */
#ifndef SAMPAN_PLUGIN_BACKEND_H
#define SAMPAN_PLUGIN_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SAMPAN_ABI_MAJOR 1u /* A plug-in of another major is refused. */
#define SAMPAN_ABI_MINOR 1u /* Functions that came later than minor 0 say so. */

#if defined(_WIN32)
#define SAMPAN_PLUGIN_EXPORT __declspec(dllexport)
#else
#define SAMPAN_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

/* ---- Codes and errors ------------------------------------------------------------------------ */

typedef int32_t sampan_code_t;
enum {
  SAMPAN_OK = 0,
  SAMPAN_INVALID_ARGUMENT = 1,     /* the caller's mistake, found before anything was enqueued */
  SAMPAN_UNSUPPORTED = 2,          /* this backend or device can't; the message says why */
  SAMPAN_OUT_OF_DEVICE_MEMORY = 3, /* retryable after freeing */
  SAMPAN_OUT_OF_HOST_MEMORY = 4,
  SAMPAN_DEVICE_LOST = 5,     /* sticky: every later call on the device returns it */
  SAMPAN_NOT_FOUND = 6,       /* no such kernel, symbol, device */
  SAMPAN_COMPILE_FAILED = 7,  /* `detail` holds the compiler's log */
  SAMPAN_INVALID_BINARY = 8,  /* code of the wrong format, target or version, or damaged */
  SAMPAN_LAUNCH_FAILED = 9,   /* the kernel started and failed; sticky for its stream */
  SAMPAN_ILLEGAL_ACCESS = 10, /* a kernel or copy touched memory it may not; sticky for its stream */
  SAMPAN_TIMEOUT = 11,        /* the caller's time limit passed; the work goes on */
  SAMPAN_NOT_READY = 12,      /* query only: the work has not completed; not a failure */
  SAMPAN_DRIVER_ERROR = 13,   /* the driver failed in a way that no other code names */
  SAMPAN_INTERNAL = 14        /* a bug in Sampan or in the plug-in */
};

enum { /* sampan_error_t.flags */
       SAMPAN_ERROR_RETRYABLE = 1u << 0,   /* the same call may succeed later */
       SAMPAN_ERROR_STICKY = 1u << 1,      /* the stream or device stays failed */
       SAMPAN_ERROR_DEVICE_LOST = 1u << 2, /* the device must be closed and opened again */
};

typedef struct sampan_error {
  uint32_t size;
  sampan_code_t code;
  uint32_t flags;
  uint32_t reserved;
  int64_t driver_code;   /* the driver's own code, 0 if no driver call failed */
  uint64_t sequence;     /* submission that failed on its stream (sampan_launch_t.sequence), or 0 */
  char driver_call[64];  /* "clEnqueueNDRangeKernel", or empty */
  char kernel[128];      /* kernel of the submission that failed, or empty */
  char message[512];     /* one sentence: the cause and the way out */
  char* detail;          /* long text (a build log) goes here; NULL if the caller wants none */
  uint64_t detail_bytes; /* room at `detail`, its terminating zero included */
} sampan_error_t;

/* ---- Handles: defined by the plug-in, opaque to the host --------------------------------------- */

typedef struct sampan_device sampan_device_t;
typedef struct sampan_memory sampan_memory_t;
typedef struct sampan_stream sampan_stream_t;
typedef struct sampan_event sampan_event_t;
typedef struct sampan_module sampan_module_t;
typedef struct sampan_kernel sampan_kernel_t;
typedef struct sampan_graph sampan_graph_t;
typedef struct sampan_op_plan sampan_op_plan_t;

/* A place in a memory. */
typedef struct sampan_region {
  sampan_memory_t* memory;
  uint64_t offset_bytes;
} sampan_region_t;

/* ---- Host: what the plug-in may call ----------------------------------------------------------- */

enum { SAMPAN_LOG_ERROR = 1, SAMPAN_LOG_WARNING = 2, SAMPAN_LOG_INFO = 3, SAMPAN_LOG_DEBUG = 4 };

/* Valid for the life of the process; every function may be called from any thread. */
typedef struct sampan_host {
  uint32_t size;
  uint32_t abi_major;     /* SAMPAN_ABI_MAJOR of the host */
  uint32_t abi_minor_min; /* oldest and newest minor whose plug-ins the host takes */
  uint32_t abi_minor_max;
  void* context; /* first argument of every function below */
  /* `alignment_bytes` is a power of two. Returns NULL when out of memory. */
  void* (*allocate)(void* context, size_t size_bytes, size_t alignment_bytes);
  void (*deallocate)(void* context, void* pointer);
  void (*log)(void* context, int32_t level, const char* domain, const char* message);
  /* A device failed outside of any call (lost, overheated, reset). */
  void (*report_fault)(void* context, sampan_device_t* device, const sampan_error_t* error);
} sampan_host_t;

/* ---- Device group (always required) ------------------------------------------------------------ */

enum { /* sampan_device_info_t.kind */
       SAMPAN_DEVICE_CPU = 1,
       SAMPAN_DEVICE_GPU = 2,
       SAMPAN_DEVICE_ACCELERATOR = 3
};

enum { /* target languages of the kernel dialect: what SAMPAN_FORMAT_SOURCE means to this device */
       SAMPAN_LANGUAGE_NONE = 0, /* takes no source */
       SAMPAN_LANGUAGE_CPP = 1,  /* host C++ with the dialect's CPU header */
       SAMPAN_LANGUAGE_OPENCL_C = 2,
       SAMPAN_LANGUAGE_CUDA = 3,
       SAMPAN_LANGUAGE_HIP = 4
};

enum { /* sampan_device_info_t.features */
       SAMPAN_FEATURE_HOST_ACCESS = 1u << 0, /* the host may read and write device memory directly,
                                                while no work that uses it is in flight */
       SAMPAN_FEATURE_SUBGROUPS = 1u << 1,   /* the dialect's HAS_SHUFFLE */
       SAMPAN_FEATURE_F64 = 1u << 2
};

typedef struct sampan_device_info {
  uint32_t size;
  uint32_t kind;
  uint32_t language;      /* SAMPAN_LANGUAGE_* */
  uint32_t features;      /* SAMPAN_FEATURE_* */
  uint64_t capabilities;  /* the plug-in's, narrowed to what this device has */
  char name[128];         /* "AMD EPYC", as the driver says it */
  char vendor[64];        /* "AuthenticAMD", "NVIDIA Corporation" */
  char driver[64];        /* driver's name and version: "PoCL 3.1" */
  char isa[128];          /* what code must be compiled for: "x86-64-v4", "sm_90" */
  char tile_class[32];    /* row of kernels/tuning to start from: "cpu-vw16", "opencl-gpu" */
  char compile_options[256]; /* options every module of the dialect needs: "-DHAS_X=1" */
  uint8_t uuid[16];       /* the vendor's UUID, all zero if unknown */
  uint32_t pci_known;     /* 1 if the four words below hold the PCI address */
  uint32_t pci_domain, pci_bus, pci_device, pci_function;
  uint32_t emulated;      /* 1 if no hardware stands behind it (a test driver) */
  uint64_t memory_bytes;  /* total */
  uint64_t max_allocation_bytes;
  uint64_t offset_alignment_bytes; /* offsets of buffer arguments must be multiples; 1 = any */
  uint64_t local_memory_bytes;     /* per group */
  uint32_t compute_units;
  uint32_t subgroup_size; /* 1 if there are none */
  uint32_t max_group_items;
  uint32_t max_group[3];
  uint32_t max_grid[3]; /* groups */
  uint32_t reserved;
} sampan_device_info_t;

typedef struct sampan_device_table {
  uint32_t size;
  uint32_t reserved;
  /* Number of devices now. A machine without the driver or without devices answers 0 and SAMPAN_OK;
   * NOT_FOUND with a message where the driver is absent and the reason is worth showing. */
  sampan_code_t (*count)(uint32_t* out_count, sampan_error_t* error);
  /* `ordinal` is below the count. Opens nothing that costs memory on the device. */
  sampan_code_t (*describe)(uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error);
  /* The same ordinal may be opened again after close, also after the device was lost. */
  sampan_code_t (*open)(uint32_t ordinal, sampan_device_t** out, sampan_error_t* error);
  /* All streams, events, modules, graphs and memories of the device have been destroyed. */
  void (*close)(sampan_device_t* device);
  /* Free and total bytes, as the driver counts now, other processes included where it can. */
  sampan_code_t (*memory_info)(sampan_device_t* device, uint64_t* out_free_bytes,
                               uint64_t* out_total_bytes, sampan_error_t* error);
  /* OK while the device works, DEVICE_LOST afterwards. Never blocks. */
  sampan_code_t (*status)(sampan_device_t* device, sampan_error_t* error);
  /* The driver's own handle (cl_device_id, CUdevice as integer …). UNSUPPORTED where there is none. */
  sampan_code_t (*native)(sampan_device_t* device, void** out, sampan_error_t* error);
  /* Minor 1. Host monotonic clock (CLOCK_MONOTONIC) and the clock of event timestamps at one instant, ns. */
  sampan_code_t (*clock)(sampan_device_t* device, uint64_t* out_host_ns, uint64_t* out_device_ns,
                         sampan_error_t* error);
} sampan_device_table_t;

/* ---- Memory group (SAMPAN_CAP_MEMORY) ---------------------------------------------------------- */

enum { /* kinds of memory */
       SAMPAN_MEMORY_DEVICE = 1, /* fast for the device; the host can't rely on reaching it */
       SAMPAN_MEMORY_HOST = 2    /* pinned host memory: the host reaches it, copies are asynchronous */
};

typedef struct sampan_memory_table {
  uint32_t size;
  uint32_t reserved;
  /* Blocks of at least `size_bytes`, aligned to 256 bytes. May synchronise: the host pools.
   * OUT_OF_DEVICE_MEMORY */
  sampan_code_t (*allocate)(sampan_device_t* device, uint32_t kind, uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error);
  /* Makes host memory of the caller known to the device, so that copies run asynchronously; it stays
   * the caller's. UNSUPPORTED where the driver can't. */
  sampan_code_t (*register_host)(sampan_device_t* device, void* pointer, uint64_t size_bytes,
                                 sampan_memory_t** out, sampan_error_t* error);
  /* Wraps device memory that somebody else owns, by the driver's own handle (device pointer, SVM
   * pointer, cl_mem). It stays theirs. UNSUPPORTED where the driver can't. */
  sampan_code_t (*wrap)(sampan_device_t* device, void* native, uint64_t size_bytes,
                        sampan_memory_t** out, sampan_error_t* error);
  /* Ends any of the three; the host has made sure that no work uses it. */
  void (*release)(sampan_memory_t* memory);
  /* The address by which the host reaches the memory; UNSUPPORTED if it can't. */
  sampan_code_t (*host_address)(sampan_memory_t* memory, void** out, sampan_error_t* error);
  /* The driver's own handle: a device pointer, or cl_mem. */
  sampan_code_t (*native)(sampan_memory_t* memory, void** out, sampan_error_t* error);
} sampan_memory_table_t;

/* ---- Stream group (SAMPAN_CAP_STREAM) ---------------------------------------------------------- */

enum { SAMPAN_ARG_VALUE = 0, SAMPAN_ARG_REGION = 1 };

/* One kernel argument. */
typedef struct sampan_arg {
  uint32_t kind;       /* SAMPAN_ARG_* */
  uint32_t size_bytes; /* of a value: 1 … 16 */
  union {
    sampan_region_t region; /* memory NULL = a null pointer */
    uint8_t value[16];
  } u;
} sampan_arg_t;

typedef struct sampan_launch {
  uint32_t size;
  uint32_t arg_count;
  sampan_kernel_t* kernel;
  const sampan_arg_t* args; /* read before the call returns */
  uint32_t grid[3];         /* groups, each at least 1 */
  uint32_t group[3];        /* items; equals the kernel's own size where it fixes one */
  uint32_t local_bytes;     /* dynamic local memory, where the target passes it at launch */
  uint32_t cooperative;     /* 1: all groups resident at once; else UNSUPPORTED */
  uint64_t sequence;        /* names this launch in errors; grows along the stream */
} sampan_launch_t;

/* Rows of bytes in two pitched areas. */
typedef struct sampan_copy_2d {
  uint32_t size;
  uint32_t reserved;
  sampan_region_t dst, src;
  uint64_t dst_pitch_bytes, src_pitch_bytes;
  uint64_t row_bytes, rows;
} sampan_copy_2d_t;

typedef struct sampan_stream_options {
  uint32_t size;
  int32_t priority; /* lower runs first where the driver knows priorities; 0 is normal */
} sampan_stream_options_t;

#define SAMPAN_WAIT_FOREVER UINT64_MAX

typedef struct sampan_stream_table {
  uint32_t size;
  uint32_t reserved;
  sampan_code_t (*create)(sampan_device_t* device, const sampan_stream_options_t* options,
                          sampan_stream_t** out, sampan_error_t* error);
  /* Waits until the stream's work has completed or failed. */
  void (*destroy)(sampan_stream_t* stream);
  /* LAUNCH_FAILED, ILLEGAL_ACCESS: the stream failed before. Allocates nothing and creates no event. */
  sampan_code_t (*launch)(sampan_stream_t* stream, const sampan_launch_t* launch,
                          sampan_error_t* error);
  /* Both regions lie on this device (any kind of memory); they don't overlap. */
  sampan_code_t (*copy)(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        uint64_t size_bytes, sampan_error_t* error);
  sampan_code_t (*copy_2d)(sampan_stream_t* stream, const sampan_copy_2d_t* copy,
                           sampan_error_t* error);
  /* `host` is ordinary memory. It must live until the work completes. May return late: where the
   * driver can't copy from pageable memory behind the caller's back, after the copy. */
  sampan_code_t (*copy_to_device)(sampan_stream_t* stream, sampan_region_t dst, const void* host,
                                  uint64_t size_bytes, sampan_error_t* error);
  sampan_code_t (*copy_to_host)(sampan_stream_t* stream, void* host, sampan_region_t src,
                                uint64_t size_bytes, sampan_error_t* error);
  /* Repeats a pattern of 1, 2, 4, 8 or 16 bytes; size and offset are multiples of it. */
  sampan_code_t (*fill)(sampan_stream_t* stream, sampan_region_t dst, const void* pattern,
                        uint32_t pattern_bytes, uint64_t size_bytes, sampan_error_t* error);
  /* Later work on the stream waits for the last record of `event`, which may belong to another
   * stream or device of this backend; an event never recorded is complete. If the event fails, the
   * stream fails with its cause. */
  sampan_code_t (*wait_event)(sampan_stream_t* stream, sampan_event_t* event, sampan_error_t* error);
  /* Runs `function(context)` on a thread of the backend's after all earlier work; later work waits
   * for it. It may not call into Sampan. It runs also when earlier work failed (failed = 1). */
  sampan_code_t (*host_function)(sampan_stream_t* stream,
                                 void (*function)(void* context, int32_t failed), void* context,
                                 sampan_error_t* error);
  /* Hands everything so far to the device, if the driver batches. */
  sampan_code_t (*flush)(sampan_stream_t* stream, sampan_error_t* error);
  /* OK: all work done. NOT_READY. Or the failure of the stream. Never blocks. */
  sampan_code_t (*query)(sampan_stream_t* stream, sampan_error_t* error);
  /* Blocks until the work submitted before has completed or failed, or TIMEOUT after `timeout_ns`. */
  sampan_code_t (*wait)(sampan_stream_t* stream, uint64_t timeout_ns, sampan_error_t* error);
  /* Minor 1. cl_command_queue, CUstream … UNSUPPORTED where there is none. */
  sampan_code_t (*native)(sampan_stream_t* stream, void** out, sampan_error_t* error);
} sampan_stream_table_t;

/* ---- Event group (SAMPAN_CAP_EVENT) ------------------------------------------------------------ */

enum {                                   /* flags of create */
       SAMPAN_EVENT_TIMING = 1u << 0,    /* takes a device timestamp when reached */
       SAMPAN_EVENT_SIGNALLED = 1u << 1, /* completed by `signal` from the host, never recorded */
};

typedef struct sampan_event_table {
  uint32_t size;
  uint32_t reserved;
  sampan_code_t (*create)(sampan_device_t* device, uint32_t flags, sampan_event_t** out,
                          sampan_error_t* error);
  /* Allowed while streams wait for it: they keep what they need. */
  void (*destroy)(sampan_event_t* event);
  /* Complete when all earlier work of the stream is. Recording again replaces the point. */
  sampan_code_t (*record)(sampan_event_t* event, sampan_stream_t* stream, sampan_error_t* error);
  /* SIGNALLED events only: completes it, with SAMPAN_OK or with a failure for those who wait. */
  sampan_code_t (*signal)(sampan_event_t* event, sampan_code_t code, sampan_error_t* error);
  /* As the stream's query and wait, for the last record; OK if there was none. */
  sampan_code_t (*query)(sampan_event_t* event, sampan_error_t* error);
  sampan_code_t (*wait)(sampan_event_t* event, uint64_t timeout_ns, sampan_error_t* error);
  /* Device clock when the event was reached, ns. NOT_READY before; UNSUPPORTED without TIMING. */
  sampan_code_t (*timestamp)(sampan_event_t* event, uint64_t* out_ns, sampan_error_t* error);
} sampan_event_table_t;

/* ---- Module group (SAMPAN_CAP_MODULE) ---------------------------------------------------------- */

enum {                              /* formats of code */
       SAMPAN_FORMAT_SOURCE = 1,    /* text in the device's language, dialect headers spliced in */
       SAMPAN_FORMAT_NATIVE = 2,    /* what `binary` returned, or the vendor's own (cubin, PTX, ELF) */
       SAMPAN_FORMAT_SPIRV = 3
};

typedef struct sampan_module_desc {
  uint32_t size;
  uint32_t format;
  const void* code; /* read before load returns */
  uint64_t code_bytes;
  const char* name;    /* for messages, and the key of code built into the plug-in: "gemm" */
  const char* options; /* "-DBM=128 -DBN=64": definitions only, separated by single spaces, sorted */
  uint32_t builtin;    /* 1: `name` is a kernel file that ships with Sampan, unchanged */
  uint32_t reserved;
} sampan_module_desc_t;

typedef struct sampan_kernel_info {
  uint32_t size;
  uint32_t group[3];    /* the size that the kernel fixes; 0, 0, 0 if it fixes none */
  uint32_t max_group_items;
  uint32_t arg_count;   /* UINT32_MAX if the driver doesn't tell */
  uint64_t local_bytes; /* static */
  uint64_t private_bytes; /* spilled per item */
  uint32_t registers;     /* per item; 0 if the driver doesn't tell */
  uint32_t reserved;
} sampan_kernel_info_t;

typedef struct sampan_module_table {
  uint32_t size;
  uint32_t reserved;
  /* COMPILE_FAILED (log in error->detail, its first error in message), INVALID_BINARY,
   * UNSUPPORTED: the format, or no compiler on this machine. */
  sampan_code_t (*load)(sampan_device_t* device, const sampan_module_desc_t* desc,
                        sampan_module_t** out, sampan_error_t* error);
  void (*unload)(sampan_module_t* module);
  /* Lives as long as the module. NOT_FOUND */
  sampan_code_t (*kernel)(sampan_module_t* module, const char* name, sampan_kernel_t** out,
                          sampan_error_t* error);
  sampan_code_t (*kernel_info)(sampan_kernel_t* kernel, sampan_kernel_info_t* out,
                               sampan_error_t* error);
  /* Native code of the module: calls `sink` once. UNSUPPORTED where the driver keeps it. */
  sampan_code_t (*binary)(sampan_module_t* module,
                          void (*sink)(void* context, const void* bytes, uint64_t size_bytes),
                          void* context, sampan_error_t* error);
} sampan_module_table_t;

/* ---- Graph group (SAMPAN_CAP_GRAPH): native graphs; without it the host replays ---------------- */

enum { SAMPAN_NODE_LAUNCH = 1, SAMPAN_NODE_COPY = 2, SAMPAN_NODE_FILL = 3 };

typedef struct sampan_graph_node {
  uint32_t size;
  uint32_t kind;
  sampan_launch_t launch;   /* LAUNCH */
  sampan_region_t dst, src; /* COPY; FILL uses dst */
  uint64_t size_bytes;
  uint8_t pattern[16];
  uint32_t pattern_bytes;
  uint32_t reserved;
} sampan_graph_node_t;

typedef struct sampan_graph_table {
  uint32_t size;
  uint32_t reserved;
  /* Nodes run in the order given. Nodes and arguments are read before the call returns.
   * UNSUPPORTED: this combination of nodes; the host then replays it itself. */
  sampan_code_t (*create)(sampan_device_t* device, const sampan_graph_node_t* nodes,
                          uint32_t node_count, sampan_graph_t** out, sampan_error_t* error);
  void (*destroy)(sampan_graph_t* graph);
  /* Replaces the arguments of launch node `index`; later replays use them. UNSUPPORTED: the host
   * then creates the graph anew. */
  sampan_code_t (*update)(sampan_graph_t* graph, uint32_t index, const sampan_arg_t* args,
                          uint32_t arg_count, sampan_error_t* error);
  sampan_code_t (*replay)(sampan_graph_t* graph, sampan_stream_t* stream, uint64_t sequence,
                          sampan_error_t* error);
} sampan_graph_table_t;

/* ---- Peer group (SAMPAN_CAP_PEER): copies between devices of this backend ---------------------- */

typedef struct sampan_peer_table {
  uint32_t size;
  uint32_t reserved;
  /* 1 if the devices can copy without passing through host memory. */
  sampan_code_t (*can_copy)(sampan_device_t* dst, sampan_device_t* src, uint32_t* out,
                            sampan_error_t* error);
  /* On a stream of the destination's device. */
  sampan_code_t (*copy)(sampan_stream_t* stream, sampan_region_t dst, sampan_region_t src,
                        uint64_t size_bytes, sampan_error_t* error);
} sampan_peer_table_t;

/* ---- Profile group (SAMPAN_CAP_PROFILE): device intervals without an event per launch ----------- */

typedef struct sampan_interval {
  uint32_t size;
  uint32_t kind; /* SAMPAN_NODE_* */
  uint64_t sequence;
  uint64_t begin_ns, end_ns; /* device clock */
} sampan_interval_t;

typedef struct sampan_profile_table {
  uint32_t size;
  uint32_t reserved;
  /* From now on `sink` is told of each completed piece of work of the stream, from any thread. */
  sampan_code_t (*begin)(sampan_stream_t* stream,
                         void (*sink)(void* context, const sampan_interval_t* interval),
                         void* context, sampan_error_t* error);
  /* Waits for the stream; no call of `sink` comes after. */
  sampan_code_t (*end)(sampan_stream_t* stream, sampan_error_t* error);
} sampan_profile_table_t;

/* ---- Telemetry group (SAMPAN_CAP_TELEMETRY) ---------------------------------------------------- */

enum { /* sampan_telemetry_t.valid */
       SAMPAN_TELEMETRY_POWER = 1u << 0,
       SAMPAN_TELEMETRY_ENERGY = 1u << 1,
       SAMPAN_TELEMETRY_TEMPERATURE = 1u << 2,
       SAMPAN_TELEMETRY_UTILISATION = 1u << 3,
       SAMPAN_TELEMETRY_CLOCK = 1u << 4
};

typedef struct sampan_telemetry {
  uint32_t size;
  uint32_t valid; /* which of the figures below the device gave */
  uint64_t power_mw;
  uint64_t energy_uj; /* counter since an unknown start */
  uint64_t clock_khz;
  int32_t temperature_mc; /* thousandths of a degree Celsius */
  uint32_t utilisation_permille;
  char source[64]; /* "NVML", "RAPL" */
} sampan_telemetry_t;

typedef struct sampan_telemetry_table {
  uint32_t size;
  uint32_t reserved;
  sampan_code_t (*read)(sampan_device_t* device, sampan_telemetry_t* out, sampan_error_t* error);
} sampan_telemetry_table_t;

/* ---- Ops group (SAMPAN_CAP_OPS): the backend's own operations, or its vendor library's ---------- */

enum { /* element types; sub-byte types are packed, low bits first */
       SAMPAN_F32 = 1,
       SAMPAN_F16 = 2,
       SAMPAN_BF16 = 3,
       SAMPAN_F64 = 4,
       SAMPAN_I8 = 5,
       SAMPAN_U8 = 6,
       SAMPAN_I32 = 7,
       SAMPAN_U32 = 8,
       SAMPAN_I64 = 9,
       SAMPAN_I4 = 10 /* value + 8 in 4 bits, two per byte, low half first */
};

enum { SAMPAN_OP_GEMM = 1, SAMPAN_OP_ATTENTION = 2, SAMPAN_OP_ROW = 3 };
enum { SAMPAN_ACTIVATION_NONE = 0, SAMPAN_ACTIVATION_SILU = 1, SAMPAN_ACTIVATION_GELU = 2 };

/* D = activation(alpha * A * op(B) + beta * C + bias) + residual, row-major, strides in elements.
 * A [m, k]; B [k, n], or [n, k] if b_transposed; C, D, residual [m, n]; bias [n].
 * Weight-only: b_type I8 or I4 with group_k > 0; B [n, k]; scales [n, k / group_k].
 * Arguments of run: A, B, C, bias, residual, scales, D; those not used have memory NULL. */
typedef struct sampan_gemm_desc {
  uint32_t size;
  uint32_t a_type, b_type, c_type, d_type, scale_type; /* bias and residual have d's type */
  uint32_t a_transposed, b_transposed, activation;
  uint32_t has_bias, has_residual, b_constant; /* b_constant: B may be repacked once per plan */
  uint64_t m, n, k, batch;
  uint64_t lda, ldb, ldc, ldd, ld_residual;
  uint64_t a_batch_stride, b_batch_stride, c_batch_stride, d_batch_stride;
  uint64_t group_k;
  float alpha, beta;
} sampan_gemm_desc_t;

/* O = softmax(scale * Q * K^T + mask) * V. q and o [b, sq, h, d], k and v [b, skv, hkv, d]; the
 * strides are those of b, s and h in elements; d is contiguous. Query head i reads head
 * i / (h / hkv). Causal: query row i sees keys 0 … i + skv - sq. Rows that see none are 0.
 * Paged: page_size > 0; k and v are [pages, page_size, hkv, d], block_table [b, max_pages] i32.
 * Arguments of run: q, k, v, o, block_table, and skv as a u32 value that may be below desc.skv. */
typedef struct sampan_attention_desc {
  uint32_t size;
  uint32_t type; /* of q, k, v and o */
  uint32_t causal, page_size, max_pages, reserved;
  uint64_t b, h, hkv, sq, skv, d;
  uint64_t q_strides[3], k_strides[3], v_strides[3], o_strides[3];
  float scale;
  uint32_t reserved2;
} sampan_attention_desc_t;

enum { /* sampan_row_desc_t.kind */
       SAMPAN_ROW_RMS_NORM = 1, /* args: x, weight, y */
       SAMPAN_ROW_LAYER_NORM = 2, /* args: x, weight, bias, y */
       SAMPAN_ROW_SOFTMAX = 3,  /* args: x, y */
       SAMPAN_ROW_SILU_MUL = 4, /* args: gate, up, y */
       SAMPAN_ROW_ADD = 5       /* args: a, b, y */
};
/* y[r, :] from x[r, :]; cols contiguous; row strides in elements. */
typedef struct sampan_row_desc {
  uint32_t size;
  uint32_t kind, type, weight_type;
  uint64_t rows, cols, x_stride, x2_stride, y_stride;
  float epsilon, scale;
} sampan_row_desc_t;

typedef struct sampan_ops_table {
  uint32_t size;
  uint32_t reserved;
  /* `desc` is the struct that belongs to `op`. UNSUPPORTED with the reason in error->message: the
   * host asks the next provider. `out_workspace_bytes`: device memory that each run needs. */
  sampan_code_t (*plan)(sampan_device_t* device, uint32_t op, const void* desc,
                        sampan_op_plan_t** out, uint64_t* out_workspace_bytes,
                        sampan_error_t* error);
  void (*destroy)(sampan_op_plan_t* plan);
  /* Enqueues; allocates nothing. */
  sampan_code_t (*run)(sampan_op_plan_t* plan, sampan_stream_t* stream, const sampan_arg_t* args,
                       uint32_t arg_count, sampan_region_t workspace, uint64_t sequence,
                       sampan_error_t* error);
  /* Name of the implementation for plan.why(): "native gemm x86-64-v4". Lives as long as the plan. */
  const char* (*name)(sampan_op_plan_t* plan);
} sampan_ops_table_t;

/* ---- The plug-in ------------------------------------------------------------------------------- */

enum { /* sampan_backend_t.capabilities */
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

/* All pointers stay valid for the life of the process. */
typedef struct sampan_backend {
  uint32_t size; /* set by the host before the query: room; by the plug-in: what it filled */
  uint32_t abi_major, abi_minor;
  uint32_t reserved;
  const char* name;       /* [a-z0-9_]+, the first part of device names: "opencl" */
  const char* version;    /* of the plug-in */
  const char* build_id;   /* changes whenever generated code may change; part of cache keys */
  const char* driver_path; /* file of the driver library that was opened, NULL if none */
  uint64_t capabilities;  /* SAMPAN_CAP_* */
  const sampan_device_table_t* device;
  const sampan_memory_table_t* memory;
  const sampan_stream_table_t* stream;
  const sampan_event_table_t* event;
  const sampan_module_table_t* module;
  const sampan_graph_table_t* graph;
  const sampan_peer_table_t* peer;
  const sampan_profile_table_t* profile;
  const sampan_telemetry_table_t* telemetry;
  const sampan_ops_table_t* ops;
} sampan_backend_t;

/* The sole export. Called once, before any other function. `host` lives as long as the process.
 * NOT_FOUND: the driver is not on this machine (not an error: the backend is shown as absent, with
 * the message). UNSUPPORTED: no minor in [host->abi_minor_min, host->abi_minor_max] suits. */
#define SAMPAN_BACKEND_QUERY_NAME "sampan_backend_query"
typedef sampan_code_t (*sampan_backend_query_fn)(const sampan_host_t* host, sampan_backend_t* out,
                                                 sampan_error_t* error);
SAMPAN_PLUGIN_EXPORT sampan_code_t sampan_backend_query(const sampan_host_t* host,
                                                        sampan_backend_t* out,
                                                        sampan_error_t* error);

#ifdef __cplusplus
}
#endif

#endif /* SAMPAN_PLUGIN_BACKEND_H */
