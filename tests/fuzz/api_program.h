#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "byte_source.h"
#include "sampan/sampan.h"

namespace sampan::fuzz {

/// What the programs of one input share. Everything in it is free-threaded; its events live as long
/// as the programs.
struct Shared {
  Device device;
  std::vector<Kernel> kernels;
  std::array<Event, 2> events;
  std::atomic<bool> reopened{false};
};

/// The kernels that programs launch, loaded on `device`. Whatever they are given, they stay within
/// `size` bytes of their buffers.
[[nodiscard]] std::vector<Kernel> load_kernels(const Device& device);

/// A random program of calls of the public API, decoded from bytes and run by one thread. It keeps
/// the few rules whose breach is undefined: buffers outlive the graphs that use them, host memory
/// outlives its copies, a kernel is told no more bytes than a view holds. All else goes: empty
/// handles, windows outside their buffers, sizes beyond the machine, recordings left open.
class Program {
 public:
  Program(Shared& shared, std::span<const std::uint8_t> bytes);

  /// Every `Error` is an answer; any other exception is a defect.
  void run();

 private:
  using Step = void (Program::*)();
  static const Step kSteps[];

  void make_stream();
  void drop_stream();
  void move_stream();
  void make_event();
  void record_event();
  void wait_for_event();
  void query_event();
  void allocate();
  void adopt_host_memory();
  void drop_buffer();
  void move_buffer();
  void copy_views();
  void copy_rows();
  void copy_from_host();
  void copy_to_host();
  void fill();
  void launch();
  void host_function();
  void synchronize();
  void query_stream();
  void begin_recording();
  void end_recording();
  void replay();
  void update_graph();
  void drop_graph();
  void query_device();
  void limit_memory();
  void reopen_device();

  [[nodiscard]] Stream& stream() { return streams_[in_.below(kStreams)]; }
  [[nodiscard]] Buffer& buffer() { return buffers_[in_.below(kBuffers)]; }
  [[nodiscard]] Graph& graph() { return graphs_[in_.below(kGraphs)]; }
  [[nodiscard]] Event& event();
  [[nodiscard]] View view();
  [[nodiscard]] View strided_view(const Buffer& of);
  [[nodiscard]] View narrowed(const View& view);
  [[nodiscard]] std::span<std::byte> host_bytes(std::uint64_t size_bytes);
  [[nodiscard]] std::vector<Arg> args_of(std::uint32_t kernel);
  /// Before a buffer goes: no graph and no recording may know it.
  void forget_graphs();

  static constexpr std::uint32_t kStreams = 3, kBuffers = 6, kEvents = 3, kGraphs = 2;

  Shared& shared_;
  ByteSource in_;
  std::atomic<std::uint32_t> host_calls_{0};
  // First, as work of the streams uses it until they end.
  std::vector<std::byte> host_;
  std::vector<std::byte> adopted_;
  std::size_t adopted_bytes_ = 0;
  std::array<Buffer, kBuffers> buffers_;
  std::array<Event, kEvents> events_;
  std::array<Graph, kGraphs> graphs_;
  std::array<Stream, kStreams> streams_;
};

}  // namespace sampan::fuzz
