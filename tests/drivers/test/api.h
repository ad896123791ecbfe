// The emulated drivers as a program sees them: opened by path, functions found by name. CUDA and
// HIP share these shapes; what they don't share is virtual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sampan::test {

using Result = int;
using Handle = void*;
using Address = std::uint64_t;

/// What both drivers call by the same number.
enum Code : Result {
  kOk = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kNoBinary = 209,
  kLost = 214,
  kInvalidPtx = 218,
  kInvalidHandle = 400,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kOutOfResources = 701,
  kPeerAlreadyEnabled = 704,
  kPeerNotEnabled = 705,
  kAlreadyRegistered = 712,
  kNotRegistered = 713,
  kLaunchFailed = 719,
  kCooperativeTooLarge = 720,
  kNotSupported = 801,
};

constexpr unsigned kNonBlocking = 1;
constexpr unsigned kDisableTiming = 2;

struct Dim {
  unsigned x = 1, y = 1, z = 1;
};

/// Function pointers of one vendor.
struct Functions {
  Result (*init)(unsigned);
  Result (*device_count)(int*);
  Result (*device_attribute)(int*, int, int);
  Result (*device_pci)(char*, int, int);
  Result (*memory_info)(std::size_t*, std::size_t*);
  Result (*allocate)(Address*, std::size_t);
  Result (*free)(Address);
  Result (*allocate_async)(Address*, std::size_t, Handle);
  Result (*free_async)(Address, Handle);
  Result (*host_allocate)(void**, std::size_t, unsigned);
  Result (*host_free)(void*);
  Result (*host_address)(Address*, void*, unsigned);
  Result (*host_register)(void*, std::size_t, unsigned);
  Result (*host_unregister)(void*);
  Result (*to_device)(Address, const void*, std::size_t, Handle);
  Result (*to_host)(void*, Address, std::size_t, Handle);
  Result (*on_device)(Address, Address, std::size_t, Handle);
  Result (*fill8)(Address, unsigned char, std::size_t, Handle);
  Result (*fill16)(Address, unsigned short, std::size_t, Handle);
  Result (*fill32)(Address, unsigned, std::size_t, Handle);
  Result (*stream_create)(Handle*, unsigned, int);
  Result (*stream_destroy)(Handle);
  Result (*stream_wait)(Handle);
  Result (*stream_query)(Handle);
  Result (*stream_wait_event)(Handle, Handle, unsigned);
  Result (*write_value)(Handle, Address, std::uint32_t, unsigned);
  Result (*host_function)(Handle, void (*)(void*), void*);
  Result (*event_create)(Handle*, unsigned);
  Result (*event_destroy)(Handle);
  Result (*event_record)(Handle, Handle);
  Result (*event_query)(Handle);
  Result (*event_wait)(Handle);
  Result (*event_elapsed)(float*, Handle, Handle);
  Result (*synchronize)();
  Result (*module_load)(Handle*, const void*);
  Result (*module_unload)(Handle);
  Result (*module_function)(Handle*, Handle, const char*);
  Result (*module_global)(Address*, std::size_t*, Handle, const char*);
  Result (*function_attribute)(int*, int, Handle);
  Result (*occupancy)(int*, Handle, int, std::size_t);
  Result (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   Handle, void**, void**);
  Result (*launch_cooperative)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                               unsigned, Handle, void**);
  Result (*can_access_peer)(int*, int, int);
  Result (*graph_create)(Handle*, unsigned);
  Result (*graph_destroy)(Handle);
  Result (*graph_launch)(Handle, Handle);
  Result (*exec_destroy)(Handle);

  Result (*program_create)(Handle*, const char*, const char*, int, const char* const*,
                           const char* const*);
  Result (*program_destroy)(Handle*);
  Result (*program_compile)(Handle, int, const char* const*);
  Result (*program_log_bytes)(Handle, std::size_t*);
  Result (*program_log)(Handle, char*);
  Result (*program_code_bytes)(Handle, std::size_t*);
  Result (*program_code)(Handle, char*);

  int (*emulated)();
  int (*control)(const char*);
  std::uint64_t (*count)(const char*);
  const char* (*last_report)();
};

/// A kernel in a graph.
struct KernelNode {
  Handle function;
  Dim grid, block;
  void** arguments;
};

class Driver {
 public:
  virtual ~Driver() = default;

  /// The one of that name: "cuda" or "hip". Opened, not initialised.
  [[nodiscard]] static Driver& of(const std::string& vendor);

  Functions f{};

  /// The address of an exported function, or null; of the compiler's library too.
  [[nodiscard]] void* symbol(const char* name) const;
  [[nodiscard]] bool is_cuda() const { return is_cuda_; }
  [[nodiscard]] unsigned warp_size();

  /// Initialises if need be. Retains what must be retained, once per device.
  virtual Result make_current(int device) = 0;
  /// Drops everything that is on the current device.
  virtual Result reset_current() = 0;
  virtual Result enable_peer(int peer) = 0;
  virtual Result disable_peer(int peer) = 0;
  virtual Result wait_value(Handle stream, Address address, std::uint32_t value) = 0;
  virtual Result copy_2d(Address dst, std::size_t dst_pitch, Address src, std::size_t src_pitch,
                         std::size_t width, std::size_t height, Handle stream) = 0;
  virtual Result add_kernel(Handle* out, Handle graph, const std::vector<Handle>& after,
                            const KernelNode& node) = 0;
  virtual Result add_copy(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                          Address src, std::size_t bytes) = 0;
  /// A row of 32-bit words.
  virtual Result add_fill(Handle* out, Handle graph, const std::vector<Handle>& after, Address dst,
                          unsigned value, std::size_t count) = 0;
  virtual Result instantiate(Handle* out, Handle graph) = 0;
  virtual Result update_kernel(Handle exec, Handle node, const KernelNode& parameters) = 0;

  struct Compiled {
    Result result = 0;
    std::string log;
    std::string code;
  };
  /// Headers are pairs of name and text. `options` come after the architecture.
  Compiled compile(const std::string& text, std::vector<std::string> options = {},
                   const std::vector<std::pair<std::string, std::string>>& headers = {},
                   const std::string& name = "test.cu");

 protected:
  Driver(const std::string& library, const std::string& compiler, bool is_cuda);
  [[nodiscard]] static void* open(const std::string& file);

  void* library_;
  void* compiler_;  // may be the same
  const bool is_cuda_;
};

}  // namespace sampan::test
