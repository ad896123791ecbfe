// The driver's functions as the faces share them: what a call checks and does, in the machine's
// words. Handles are the program's. All throw Refusal; those that return a Status return ok but
// where something else is said. Every function that has no context of its own argument needs a
// current one (invalid_context) that has not failed (the failure).
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph.h"
#include "launch.h"
#include "machine.h"
#include "transfer.h"

namespace sampan::emulator::driver {

using Handle = void*;

// ---- where we are ----

/// Until this has been called, everything else is refused with not_initialized. no_device where the
/// face has none.
Status initialize();
/// Throws Refusal{not_initialized}.
void require_initialized();
Context& context();
/// Null and 1 are the current context's legacy stream.
[[nodiscard]] std::shared_ptr<Stream> stream(Handle handle);

// ---- memory ----

Status memory_info(std::size_t* out_free, std::size_t* out_total);
Status allocate(std::uint64_t* out, std::size_t bytes);
/// Waits for all of the context's work.
Status free(std::uint64_t address);
/// Waits for the stream and tries again where memory is short: what the stream frees comes back.
Status allocate_async(std::uint64_t* out, std::size_t bytes, Handle stream);
Status free_async(std::uint64_t address, Handle stream);
Status allocate_host(void** out, std::size_t bytes);
Status free_host(void* pointer);
Status host_device_address(std::uint64_t* out, void* pointer);
Status register_host(void* pointer, std::size_t bytes);
Status unregister_host(void* pointer);

/// Any device's memory, on a stream of any context.
Status copy(const Copy& copy, Place dst, Place src, Handle stream);
Status fill(const Fill& fill, Handle stream);

// ---- streams and events ----

Status create_stream(Handle* out, unsigned flags, int priority);
/// Returns at once; what is on the stream is still done.
Status destroy_stream(Handle handle);
Status synchronize_stream(Handle handle);
/// not_ready.
Status query_stream(Handle handle);
Status wait_event(Handle stream, Handle event);
Status launch_host_function(Handle stream, void (*function)(void*), void* argument);
/// `flags`: 0 waits for word >= value (cyclic), 1 ==, 2 (word & value) != 0.
Status wait_value(Handle stream, std::uint64_t address, std::uint32_t value, unsigned flags);
Status write_value(Handle stream, std::uint64_t address, std::uint32_t value);
Status synchronize_context();

/// `flags`: 1 blocking wait, 2 no timing, 4 interprocess (not_supported).
Status create_event(Handle* out, unsigned flags);
Status destroy_event(Handle handle);
Status record_event(Handle event, Handle stream);
/// not_ready.
Status query_event(Handle handle);
Status synchronize_event(Handle handle);
Status elapsed(float* out_ms, Handle begin, Handle end);

// ---- code ----

Status load_module(Handle* out, const void* image);
Status unload_module(Handle handle);
/// The same handle each time.
Status get_function(Handle* out, Handle module, const char* name);
/// A __constant__ variable, as device memory that ends with the module; not_found.
Status get_global(std::uint64_t* out_address, std::size_t* out_bytes, Handle module,
                  const char* name);
/// Numbers as CUfunction_attribute and hipFunction_attribute have them.
Status function_attribute(int* out, int attribute, Handle function);
Status set_function_attribute(Handle function, int attribute, int value);
Status occupancy(int* out_blocks, Handle function, int threads, std::size_t dynamic_bytes);
/// The stream must be of the kernel's context, which must be current (invalid_handle).
Status launch(Handle function, const LaunchShape& shape, Handle stream, void** arguments,
              void** extra, bool cooperative);

// ---- peers ----

Status can_access_peer(int* out, int device, int peer);
Status set_peer(Device& peer, bool enabled);

// ---- graphs ----

Status create_graph(Handle* out, unsigned flags);
Status destroy_graph(Handle handle);
Status add_node(Handle* out, Handle graph, void* const* after, std::size_t after_count, Task task);
[[nodiscard]] Task launch_task(Handle function, const LaunchShape& shape, void** arguments,
                               void** extra);
/// Checked as `copy` and `fill` check.
[[nodiscard]] Task copy_task(const Copy& copy, Place dst, Place src);
[[nodiscard]] Task fill_task(const Fill& fill);
Status instantiate(Handle* out, Handle graph);
Status update_kernel(Handle exec, Handle node, Task task);
Status launch_graph(Handle exec, Handle stream);
Status destroy_exec(Handle exec);

}  // namespace sampan::emulator::driver
