#include "api_program.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace sampan::fuzz {
namespace {

constexpr std::size_t kHostBytes = 64 << 10;     // that copies use
constexpr std::size_t kAdoptedBytes = 64 << 10;  // that buffers may stand on
constexpr std::uint32_t kMaxSteps = 200;

}  // namespace

const Program::Step Program::kSteps[] = {
    &Program::make_stream,   &Program::drop_stream,    &Program::move_stream,
    &Program::make_event,    &Program::record_event,   &Program::wait_for_event,
    &Program::query_event,   &Program::allocate,       &Program::adopt_host_memory,
    &Program::drop_buffer,   &Program::move_buffer,    &Program::copy_views,
    &Program::copy_rows,     &Program::copy_from_host, &Program::copy_to_host,
    &Program::fill,          &Program::launch,         &Program::host_function,
    &Program::synchronize,   &Program::query_stream,   &Program::begin_recording,
    &Program::end_recording, &Program::replay,         &Program::update_graph,
    &Program::drop_graph,    &Program::query_device,   &Program::limit_memory,
    &Program::reopen_device,
};

Program::Program(Shared& shared, std::span<const std::uint8_t> bytes)
    : shared_(shared), in_(bytes), host_(kHostBytes), adopted_(kAdoptedBytes) {}

void Program::run() {
  for (std::uint32_t step = 0; step < kMaxSteps && !in_.empty(); ++step) {
    try {
      (this->*kSteps[in_.below(std::size(kSteps))])();
    } catch (const Error& error) {
      if (error.info().message.empty() || error.code() == ErrorCode::internal) std::abort();
    }
  }
}

void Program::make_stream() {
  Stream& to = stream();
  StreamOptions options;
  options.priority = static_cast<int>(in_.byte()) - 128;
  to = shared_.device.create_stream(options);
}

void Program::drop_stream() { stream() = Stream(); }

void Program::move_stream() {
  Stream& to = stream();
  Stream from = std::move(stream());
  to = std::move(from);
}

Event& Program::event() {
  const std::uint32_t index =
      in_.below(kEvents + static_cast<std::uint32_t>(shared_.events.size()));
  return index < kEvents ? events_[index] : shared_.events[index - kEvents];
}

void Program::make_event() {
  Event& to = events_[in_.below(kEvents)];
  EventOptions options;
  options.timing = in_.below(2) == 1;
  to = shared_.device.create_event(options);
}

void Program::record_event() {
  Stream& on = stream();
  on.record(event());
}

void Program::wait_for_event() {
  Stream& on = stream();
  on.wait(event());
}

void Program::query_event() {
  const Event& first = event();
  switch (in_.below(4)) {
    case 0:
      static_cast<void>(first.ready());
      break;
    case 1:
      first.wait();
      break;
    case 2:
      first.wait_for(std::chrono::nanoseconds(static_cast<std::int64_t>(in_.number())));
      break;
    default:
      static_cast<void>(first.timestamp_ns());
      static_cast<void>(elapsed_ns(first, event()));
  }
}

void Program::allocate() {
  Buffer& to = buffer();
  if (to) forget_graphs();
  const std::uint64_t size_bytes = in_.number();
  const MemoryKind kind = in_.below(4) == 0 ? MemoryKind::host : MemoryKind::device;
  to = in_.below(2) == 0 ? shared_.device.allocate(size_bytes, kind)
                         : stream().allocate(size_bytes, kind);
}

void Program::adopt_host_memory() {
  Buffer& to = buffer();
  if (to) forget_graphs();
  // Each byte once: two buffers on the same memory would overlap unseen in copies.
  const std::uint64_t left = adopted_.size() - adopted_bytes_;
  const std::span<std::byte> bytes = std::span(adopted_).subspan(
      adopted_bytes_, static_cast<std::size_t>(std::min(in_.number(), left)));
  adopted_bytes_ += bytes.size();
  to = in_.below(2) == 0 ? shared_.device.register_host(bytes.data(), bytes.size())
                         : shared_.device.wrap(bytes.data(), bytes.size());
}

void Program::drop_buffer() {
  Buffer& gone = buffer();
  if (gone) forget_graphs();
  gone = Buffer();
}

void Program::move_buffer() {
  Buffer& to = buffer();
  Buffer& from = buffer();
  if (to && &to != &from) forget_graphs();
  to = std::move(from);
}

void Program::copy_views() {
  Stream& on = stream();
  const View dst = view();
  // Often the same shape elsewhere, as random shapes rarely agree.
  const auto elsewhere = [&] {
    const Buffer& of = buffer();
    return View(of, dst.dtype(), dst.shape(), dst.strides(), in_.number());
  };
  const View src = in_.below(4) == 0 ? view() : elsewhere();
  on.copy(dst, src);
}

void Program::copy_rows() {
  Stream& on = stream();
  const Buffer& dst = buffer();
  const Buffer& src = buffer();
  Stream::Copy2d area;
  for (std::uint64_t* value :
       {&area.dst_offset_bytes, &area.dst_pitch_bytes, &area.src_offset_bytes,
        &area.src_pitch_bytes, &area.row_bytes, &area.rows}) {
    *value = in_.number();
  }
  on.copy_2d(dst, src, area);
}

void Program::copy_from_host() {
  Stream& on = stream();
  const View dst = view();
  const bool fitting = in_.below(8) != 0;
  on.copy_from_host(
      dst, std::span<const std::byte>(host_bytes(fitting ? dst.span_bytes() : in_.number())));
}

void Program::copy_to_host() {
  Stream& on = stream();
  const View src = view();
  const bool fitting = in_.below(8) != 0;
  on.copy_to_host(host_bytes(fitting ? src.span_bytes() : in_.number()), src);
}

void Program::fill() {
  Stream& on = stream();
  const View dst = view();
  std::array<std::byte, 20> pattern;
  pattern.fill(static_cast<std::byte>(in_.byte()));
  const std::uint32_t exponent = in_.below(8);
  const std::uint32_t size = exponent < 5 ? 1u << exponent : in_.below(20);
  on.fill(dst, std::span(pattern).first(size));
}

void Program::launch() {
  Stream& on = stream();
  const std::uint32_t kernel = in_.below(static_cast<std::uint32_t>(shared_.kernels.size()) + 1);
  const Kernel chosen = kernel < shared_.kernels.size() ? shared_.kernels[kernel] : Kernel();
  const auto extent = [&] { return in_.below(5); };
  LaunchConfig config;
  config.grid = {extent(), 1, 1};
  config.group = {64, 1, 1};
  switch (in_.below(8)) {
    case 0:
      config.group = {static_cast<std::uint32_t>(in_.number()), extent(), extent()};
      break;
    case 1:
      config.grid = {extent(), extent(), extent()};
      break;
    case 2:
      config.local_bytes = static_cast<std::uint32_t>(in_.number());
      break;
    case 3:
      config.cooperative = true;
      break;
    default:
      break;
  }
  on.launch_span(chosen, config, args_of(kernel));
}

void Program::host_function() {
  Stream& on = stream();
  if (in_.below(8) == 0) {
    on.host_function({});
  } else {
    on.host_function([this] { ++host_calls_; });
  }
}

void Program::synchronize() {
  const Stream& on = stream();
  if (in_.below(2) == 0) {
    on.synchronize();
  } else {
    on.synchronize_for(std::chrono::nanoseconds(static_cast<std::int64_t>(in_.number())));
  }
}

void Program::query_stream() {
  Stream& on = stream();
  switch (in_.below(4)) {
    case 0:
      on.flush();
      break;
    case 1:
      static_cast<void>(on.native());
      break;
    case 2:
      static_cast<void>(on.device());
      break;
    default:
      static_cast<void>(on.ready());
  }
}

void Program::begin_recording() { stream().begin_recording(); }

void Program::end_recording() {
  Stream& on = stream();
  graph() = on.end_recording();
}

void Program::replay() {
  Stream& on = stream();
  on.replay(graph());
}

void Program::update_graph() {
  Graph& target = graph();
  const std::uint64_t node = in_.number();
  const std::uint32_t kernel = in_.below(static_cast<std::uint32_t>(shared_.kernels.size()));
  target.update_span(node, args_of(kernel));
}

void Program::drop_graph() { graph() = Graph(); }

void Program::query_device() {
  const Device& device = shared_.device;
  static_cast<void>(device.memory_info());
  static_cast<void>(device.pool_stats());
  if (in_.below(4) == 0) static_cast<void>(device.telemetry());
}

void Program::limit_memory() {
  if (in_.below(2) == 0) {
    static_cast<void>(shared_.device.trim_pool());
  } else {
    // Never without a limit: huge sizes shall be refused, not tried.
    shared_.device.set_memory_budget(1 + in_.below(65536) * 16);
  }
}

void Program::reopen_device() {
  if (in_.byte() % 16 != 1) return;
  shared_.reopened = true;
  shared_.device.reopen();
}

View Program::view() {
  const Buffer& of = buffer();
  const auto dtype = static_cast<DType>(1 + in_.below(10));
  switch (in_.below(4)) {
    case 0:
      return of.view(dtype);
    case 1: {
      const std::uint64_t offset = in_.number();
      return View(of, dtype, {in_.number()}, offset);
    }
    case 2:
      return strided_view(of);
    default:
      return narrowed(of.view(dtype));
  }
}

View Program::strided_view(const Buffer& of) {
  const auto dtype = static_cast<DType>(1 + in_.below(10));
  std::array<std::uint64_t, View::kMaxRank + 1> shape{}, strides{};
  const std::uint32_t rank = in_.below(static_cast<std::uint32_t>(shape.size()) + 1);
  for (std::uint32_t i = 0; i < rank; ++i) {
    shape[i] = in_.below(8) == 0 ? in_.number() : in_.below(9);
    strides[i] = in_.below(8) == 0 ? in_.number() : in_.below(65);
  }
  const std::uint32_t stride_count = in_.below(16) == 0 ? in_.below(8) : rank;
  return View(of, dtype, std::span(shape).first(rank), std::span(strides).first(stride_count),
              in_.number());
}

View Program::narrowed(const View& view) {
  switch (in_.below(4)) {
    case 0:
      return view.as_bytes();
    case 1: {
      const std::uint64_t rows = in_.number();
      return view.reshape({rows, in_.number()});
    }
    case 2: {
      const std::uint64_t columns = 1 + in_.below(16);
      const View whole = view.slice(0, 0, view.elems() / columns * columns);
      const std::uint64_t begin = in_.below(4);
      return whole.reshape({whole.elems() / columns, columns}).slice(1, begin, in_.below(8));
    }
    default: {
      const std::uint32_t dim = in_.below(8);
      const std::uint64_t begin = in_.number();
      return view.slice(dim, begin, in_.number());
    }
  }
}

std::span<std::byte> Program::host_bytes(std::uint64_t size_bytes) {
  const std::size_t begin = in_.byte();
  return std::span(host_).subspan(begin).first(
      static_cast<std::size_t>(std::min<std::uint64_t>(size_bytes, host_.size() - begin)));
}

std::vector<Arg> Program::args_of(std::uint32_t kernel) {
  const View data = view();
  const auto size =
      static_cast<std::uint32_t>(data ? std::min<std::uint64_t>(data.span_bytes(), 1 << 20) : 0);
  std::vector<Arg> args = {Arg(data), Arg(size)};
  if (kernel != 0) args.emplace_back(in_.byte());
  switch (in_.below(8)) {
    case 0:
      args.pop_back();
      break;
    case 1:
      args.resize(in_.below(80), Arg(size));
      break;
    case 2:
      args[in_.below(static_cast<std::uint32_t>(args.size()))] = Arg(std::uint64_t{size});
      break;
    case 3:
      args[in_.below(static_cast<std::uint32_t>(args.size()))] = Arg(nullptr);
      break;
    case 4:
      args.back() = Arg(buffer());
      break;
    default:
      break;
  }
  return args;
}

void Program::forget_graphs() {
  for (Stream& each : streams_) {
    try {
      if (each) static_cast<void>(each.end_recording());
    } catch (const Error&) {  // it wasn't recording
    }
  }
  graphs_ = {};
}

}  // namespace sampan::fuzz
