#include "core/backend.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace sampan::core {
namespace {

// ---- UNSUPPORTED functions of any signature ---------------------------------------------------

sampan_code_t unsupported(sampan_error_t* error) {
  error->code = SAMPAN_UNSUPPORTED;
  std::snprintf(error->message, sizeof(error->message),
                "this backend doesn't implement the call; it is optional in the plug-in ABI");
  return SAMPAN_UNSUPPORTED;
}

template <class Function>
struct Stub;
template <class Result, class... Args>
struct Stub<Result (*)(Args...)> {
  static Result call(Args... args) {
    if constexpr (std::is_same_v<Result, sampan_code_t>) {
      // Every function that returns a code takes the error record last.
      return unsupported(std::get<sizeof...(Args) - 1>(std::tuple<Args...>(args...)));
    } else if constexpr (std::is_same_v<Result, const char*>) {
      return "";
    }
  }
};

// ---- What each table holds ----------------------------------------------------------------------

template <class Member>
struct Entry {
  Member member;
  const char* name;
  std::uint32_t since_minor = 0;
};
// Clang 14 derives none for aggregates.
template <class Member>
Entry(Member, const char*, std::uint32_t = 0) -> Entry<Member>;

constexpr auto entries(const sampan_device_table_t&) {
  using T = sampan_device_table_t;
  return std::tuple{Entry{&T::count, "count"},
                    Entry{&T::describe, "describe"},
                    Entry{&T::open, "open"},
                    Entry{&T::close, "close"},
                    Entry{&T::memory_info, "memory_info"},
                    Entry{&T::status, "status"},
                    Entry{&T::native, "native"},
                    Entry{&T::clock, "clock", 1}};
}
constexpr auto entries(const sampan_memory_table_t&) {
  using T = sampan_memory_table_t;
  return std::tuple{Entry{&T::allocate, "allocate"},
                    Entry{&T::register_host, "register_host"},
                    Entry{&T::wrap, "wrap"},
                    Entry{&T::release, "release"},
                    Entry{&T::host_address, "host_address"},
                    Entry{&T::native, "native"}};
}
constexpr auto entries(const sampan_stream_table_t&) {
  using T = sampan_stream_table_t;
  return std::tuple{Entry{&T::create, "create"},
                    Entry{&T::destroy, "destroy"},
                    Entry{&T::launch, "launch"},
                    Entry{&T::copy, "copy"},
                    Entry{&T::copy_2d, "copy_2d"},
                    Entry{&T::copy_to_device, "copy_to_device"},
                    Entry{&T::copy_to_host, "copy_to_host"},
                    Entry{&T::fill, "fill"},
                    Entry{&T::wait_event, "wait_event"},
                    Entry{&T::host_function, "host_function"},
                    Entry{&T::flush, "flush"},
                    Entry{&T::query, "query"},
                    Entry{&T::wait, "wait"},
                    Entry{&T::native, "native", 1}};
}
constexpr auto entries(const sampan_event_table_t&) {
  using T = sampan_event_table_t;
  return std::tuple{Entry{&T::create, "create"},      Entry{&T::destroy, "destroy"},
                    Entry{&T::record, "record"},      Entry{&T::signal, "signal"},
                    Entry{&T::query, "query"},        Entry{&T::wait, "wait"},
                    Entry{&T::timestamp, "timestamp"}};
}
constexpr auto entries(const sampan_module_table_t&) {
  using T = sampan_module_table_t;
  return std::tuple{Entry{&T::load, "load"}, Entry{&T::unload, "unload"},
                    Entry{&T::kernel, "kernel"}, Entry{&T::kernel_info, "kernel_info"},
                    Entry{&T::binary, "binary"}};
}
constexpr auto entries(const sampan_graph_table_t&) {
  using T = sampan_graph_table_t;
  return std::tuple{Entry{&T::create, "create"}, Entry{&T::destroy, "destroy"},
                    Entry{&T::update, "update"}, Entry{&T::replay, "replay"}};
}
constexpr auto entries(const sampan_peer_table_t&) {
  using T = sampan_peer_table_t;
  return std::tuple{Entry{&T::can_copy, "can_copy"}, Entry{&T::copy, "copy"}};
}
constexpr auto entries(const sampan_profile_table_t&) {
  using T = sampan_profile_table_t;
  return std::tuple{Entry{&T::begin, "begin"}, Entry{&T::end, "end"}};
}
constexpr auto entries(const sampan_telemetry_table_t&) {
  using T = sampan_telemetry_table_t;
  return std::tuple{Entry{&T::read, "read"}};
}
constexpr auto entries(const sampan_ops_table_t&) {
  using T = sampan_ops_table_t;
  return std::tuple{Entry{&T::plan, "plan"}, Entry{&T::destroy, "destroy"}, Entry{&T::run, "run"},
                    Entry{&T::name, "name"}};
}

// A size that ends inside a pointer must not leave half of one.
void copy_whole_words(void* to, const void* from, std::size_t their_bytes, std::size_t our_bytes) {
  std::memcpy(to, from, std::min(their_bytes / sizeof(void*) * sizeof(void*), our_bytes));
}

// Copies what both sides know, fills the rest with stubs; returns the first function that the
// plug-in's minor should have and hasn't.
template <class Table>
const char* adopt_table(const Table* theirs, std::uint32_t their_minor, Table& ours) {
  ours = Table{};
  if (theirs != nullptr) {
    copy_whole_words(&ours, theirs, theirs->size, sizeof(Table));
  }
  ours.size = sizeof(Table);
  const char* missing = nullptr;
  const auto complete = [&](const auto& entry) {
    auto& function = ours.*entry.member;
    if (function != nullptr) return;
    if (entry.since_minor <= their_minor && missing == nullptr) missing = entry.name;
    function = &Stub<std::remove_reference_t<decltype(function)>>::call;
  };
  std::apply([&](const auto&... entry) { (complete(entry), ...); }, entries(ours));
  return missing;
}

std::string text(const char* pointer) { return pointer != nullptr ? pointer : ""; }

}  // namespace

bool is_backend_name(std::string_view name) {
  return !name.empty() && name.size() < 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string adopt(const sampan_backend_t& theirs, Backend& out) {
  sampan_backend_t view{};
  copy_whole_words(&view, &theirs, theirs.size, sizeof(view));
  if (view.abi_major != SAMPAN_ABI_MAJOR) {
    return "it speaks plug-in ABI " + std::to_string(view.abi_major) + ", this Sampan " +
           std::to_string(SAMPAN_ABI_MAJOR) + "; install a plug-in built for this Sampan";
  }
  out.name = text(view.name);
  if (!is_backend_name(out.name)) {
    return "its name '" + out.name + "' is not of the form [a-z0-9_]+";
  }
  out.version = text(view.version);
  out.build_id = text(view.build_id);
  out.driver_path = text(view.driver_path);
  out.capabilities = view.capabilities;

  std::string refusal;
  const auto take = [&](auto* table, auto& ours, const char* group, std::uint64_t bit) {
    const char* missing = adopt_table(table, view.abi_minor, ours);
    if (missing != nullptr && (view.capabilities & bit) == bit && refusal.empty()) {
      refusal =
          std::string("it claims the ") + group + " group but lacks its function '" + missing + "'";
    }
  };
  take(view.device, out.device, "device", 0);
  take(view.memory, out.memory, "memory", SAMPAN_CAP_MEMORY);
  take(view.stream, out.stream, "stream", SAMPAN_CAP_STREAM);
  take(view.event, out.event, "event", SAMPAN_CAP_EVENT);
  take(view.module, out.module, "module", SAMPAN_CAP_MODULE);
  take(view.graph, out.graph, "graph", SAMPAN_CAP_GRAPH);
  take(view.peer, out.peer, "peer", SAMPAN_CAP_PEER);
  take(view.profile, out.profile, "profile", SAMPAN_CAP_PROFILE);
  take(view.telemetry, out.telemetry, "telemetry", SAMPAN_CAP_TELEMETRY);
  take(view.ops, out.ops, "ops", SAMPAN_CAP_OPS);
  return refusal;
}

}  // namespace sampan::core
