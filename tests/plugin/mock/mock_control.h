// How a test steers the mock backend: what sampan_mock_control(), exported beside the query
// function, returns. Every function may be called from any thread.
#pragma once

#include <cstdint>

enum SampanMockLive {
  SAMPAN_MOCK_LIVE_DEVICES,
  SAMPAN_MOCK_LIVE_MEMORIES,
  SAMPAN_MOCK_LIVE_STREAMS,
  SAMPAN_MOCK_LIVE_EVENTS,
  SAMPAN_MOCK_LIVE_MODULES,
  SAMPAN_MOCK_LIVE_GRAPHS,
  SAMPAN_MOCK_LIVE_PLANS,
  SAMPAN_MOCK_LIVE_KINDS
};

struct SampanMockControl {
  /// Faults to come, words "key=value" separated by spaces. The environment variable SAMPAN_MOCK
  /// holds such words, too; it is read once, when the plug-in is asked for its tables.
  ///   fail_call=N:CODE  the Nth call from now on fails, once, with this SAMPAN_* code
  ///   lose_call=N       the device of the Nth call is lost at that call
  ///   fail_launch=K     the Kth launch of a stream fails when it runs, once
  ///   hang_launch=K     the Kth launch of a stream runs until release_hangs, once
  ///   delay_us=D        every piece of work takes this much longer
  ///   memory_bytes=B    each device has this much memory
  ///   devices=N         (environment) number of devices, up to 8
  ///   host_access=1     (environment) the host reaches device memory
  /// Returns 0, or -1 if a word makes no sense; nothing is changed then.
  int (*script)(const char* words);
  /// Forgets all faults, the count of calls and the violations; ends hanging kernels.
  void (*reset)();
  /// Calls into the plug-in that return a code, since the last reset.
  std::uint64_t (*calls)();
  /// Name of the Nth of them ("stream.launch"), or "".
  const char* (*call_name)(std::uint64_t number);
  void (*release_hangs)();
  void (*lose_device)(std::uint32_t ordinal);
  /// Objects not yet destroyed, by SampanMockLive.
  std::uint64_t (*live)(std::uint32_t kind);
  /// The first thing that the host did against the ABI's contract, or "". Valid until reset.
  const char* (*first_violation)();
};

#define SAMPAN_MOCK_CONTROL_NAME "sampan_mock_control"
using SampanMockControlFunction = const SampanMockControl* (*)();
