/* The contract between compiled CPU kernels and the CPU backend. C and C++; plain data only.

   A compiled kernel library exports, for every kernel, one object
       extern const struct sampan_cpu_kernel sampan_kernel_<name>;        (C linkage)
   (or sampan_kernel_<name>__<variant> when it was compiled with -DSAMPAN_CPU_VARIANT=<variant>)
   and needs no symbol of the host: whatever a kernel must reach comes in through its parameters. */
#ifndef SAMPAN_CPU_ABI_H
#define SAMPAN_CPU_ABI_H

#include <stdint.h>

/* Raised when a struct below changes; the backend refuses a library whose `abi` differs. */
#define SAMPAN_CPU_ABI 1u

/* Local memory that the backend gives to every work-group, aligned to SAMPAN_CPU_LOCAL_ALIGN. A
   kernel that declares more does not compile. Its contents are undefined when a group starts. */
#define SAMPAN_CPU_LOCAL_BYTES (1024u * 1024u)
#define SAMPAN_CPU_LOCAL_ALIGN 64u

/* Least stack of the thread or fiber that runs a kernel. */
#define SAMPAN_CPU_STACK_BYTES (128u * 1024u)

/* One work-item. The backend fills it; kernels only read it, except `backend`, which is the
 * backend's own. */
struct sampan_cpu_item {
  uint32_t local_id[3];
  uint32_t group_id[3];
  uint32_t group_count[3];
  uint32_t group_size[3];
  void* local_memory; /* shared by the items of a group; SAMPAN_CPU_LOCAL_BYTES */
  /* Returns when every item of the group has called it as often. */
  void (*barrier)(struct sampan_cpu_item* item);
  void* backend;
};

/* Runs the whole kernel for one item. It calls item->barrier, so all items of a group must be alive
   at once (fibers). args[i] points to the value of argument i; the value of a buffer argument is a
   data pointer. */
typedef void (*sampan_cpu_run_item_fn)(struct sampan_cpu_item* item, const void* const* args);

/* Runs the groups first_group .. end_group-1 of a grid, every item of them, on the calling thread.
   Group g has the id (g % count[0], g / count[0] % count[1], g / count[0] / count[1]). Never calls
   a barrier. */
typedef void (*sampan_cpu_run_groups_fn)(const uint32_t group_count[3], uint64_t first_group,
                                         uint64_t end_group, void* local_memory,
                                         const void* const* args);

struct sampan_cpu_kernel {
  uint32_t abi;        /* SAMPAN_CPU_ABI: check it before reading on */
  uint32_t size_bytes; /* sizeof(struct sampan_cpu_kernel) */
  const char* name;
  uint32_t
      group_size[3]; /* fixed when the kernel was compiled; a launch must ask for exactly this */
  uint32_t flat;     /* 1: declared with KERNEL_FLAT */
  uint32_t local_bytes_max; /* most local memory that the kernel may touch */
  uint32_t arg_count;
  const uint32_t* arg_bytes; /* per argument: size of the scalar, or 0 for a buffer */
  /* Exactly one of the two is set: run_groups when the kernel is flat or its groups have one item,
   * else run_item. */
  sampan_cpu_run_item_fn run_item;
  sampan_cpu_run_groups_fn run_groups;
};

#endif
