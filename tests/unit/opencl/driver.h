#pragma once

#include <cstdint>

/// The test driver: a loader library that hands every call on to the machine's own libOpenCL.so.1,
/// counts what is alive, and fails calls on demand. With SAMPAN_TEST_OPENCL_USM=1 its devices have
/// cl_intel_unified_shared_memory, made of the real device's shared virtual memory.
///
/// The plug-in opens it by SAMPAN_OPENCL_LIBRARY; a test that opens it too reaches these controls.
extern "C" {

/// The `nth` call from now that can fail (1 = the next) returns `code`; 0 fails none. Calls that
/// block or complete something do their work all the same: a driver that never finishes can only
/// hang its callers.
using sampan_test_fail_fn = void(std::uint64_t nth, std::int32_t code);

/// Name of the call that was failed since the last sampan_test_fail, or null.
using sampan_test_failed_fn = const char*();

/// From now on, events that are complete say `status` instead; 0 ends it.
using sampan_test_break_events_fn = void(std::int32_t status);

/// Objects and shared allocations made and not yet given back.
using sampan_test_live_fn = std::int64_t();

/// Calls by the name of an OpenCL function since the start.
using sampan_test_calls_fn = std::uint64_t(const char* name);
}
