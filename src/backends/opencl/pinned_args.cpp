#include "backends/opencl/pinned_args.h"

#include <algorithm>
#include <cstring>

namespace sampan::opencl {
namespace {

constexpr const char* kCopying = "Copying pinned host memory for a kernel";
constexpr const char* kWritingBack = "Writing back what a kernel changed in pinned host memory";

/// A buffer that the host may read as long as the object lives. Blocks until it can. The caller
/// holds the device's `service_mutex`.
class Mapped {
 public:
  /// Throws Failure.
  Mapped(Device& device, const OwnedMem& buffer, std::uint64_t size_bytes)
      : queue_(device.service_queue()), buffer_(buffer.get()) {
    cl::Int code = cl::kSuccess;
    bytes_ = api().enqueue_map_buffer(queue_, buffer_, cl::kTrue, cl::kMapRead, 0, size_bytes, 0,
                                      nullptr, nullptr, &code);
    check(code, "clEnqueueMapBuffer", During::kExecution, kWritingBack);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() {
    (void)api().enqueue_unmap_mem_object(queue_, buffer_, bytes_, 0, nullptr, nullptr);
    (void)api().finish(queue_);
  }

  [[nodiscard]] const char* bytes() const { return static_cast<const char*>(bytes_); }

 private:
  cl::Queue queue_;
  cl::Mem buffer_;
  void* bytes_ = nullptr;
};

// Stretches that are the same are the rule, and comparing many bytes at once is fast.
void copy_changes(char* to, const char* before, const char* after, std::uint64_t size_bytes) {
  constexpr std::uint64_t kStretchBytes = 256;
  for (std::uint64_t at = 0; at < size_bytes; at += kStretchBytes) {
    const std::uint64_t end = std::min(at + kStretchBytes, size_bytes);
    if (std::memcmp(before + at, after + at, end - at) == 0) continue;
    for (std::uint64_t i = at; i < end; ++i) {
      if (before[i] != after[i]) to[i] = after[i];
    }
  }
}

}  // namespace

PinnedArgs::PinnedArgs(Stream& stream, KernelInstance& kernel) : stream_(stream) {
  for (const auto& arg : kernel.pinned()) {
    Copy& copy = copy_of(*arg.region.memory);
    copy.begin_bytes = std::min(copy.begin_bytes, arg.region.offset_bytes);
  }
  for (Copy& copy : *copies_) enqueue_copy(copy);
  for (const auto& arg : kernel.pinned()) {
    const Copy& copy = copy_of(*arg.region.memory);
    const std::uint64_t offset_bytes = arg.region.offset_bytes - copy.begin_bytes;
    views_.push_back(
        part_for_kernel(copy.working.get(), offset_bytes, copy.size_bytes() - offset_bytes));
    kernel.set_buffer(arg.index, views_.back().get());
  }
}

PinnedArgs::Copy& PinnedArgs::copy_of(Memory& memory) {
  const auto found =
      std::ranges::find_if(*copies_, [&](const Copy& copy) { return copy.memory == &memory; });
  if (found != copies_->end()) return *found;
  return copies_->emplace_back(Copy{&memory, memory.size_bytes(), {}, {}});
}

void PinnedArgs::enqueue_copy(Copy& copy) const {
  const cl::Queue queue = stream_.queue();
  const std::uint64_t size_bytes = copy.size_bytes();
  copy.given = make_buffer(stream_.device(), cl::kMemReadWrite, size_bytes, nullptr, kCopying);
  copy.working = make_buffer(stream_.device(), cl::kMemReadWrite, size_bytes, nullptr, kCopying);
  check(api().enqueue_write_buffer(queue, copy.given.get(), cl::kFalse, 0, size_bytes,
                                   copy.memory->host() + copy.begin_bytes, 0, nullptr, nullptr),
        "clEnqueueWriteBuffer", During::kSubmission, kCopying);
  check(api().enqueue_copy_buffer(queue, copy.given.get(), copy.working.get(), 0, 0, size_bytes, 0,
                                  nullptr, nullptr),
        "clEnqueueCopyBuffer", During::kSubmission, kCopying);
}

void PinnedArgs::write_back() {
  // The task may outlive the stream's caller, not the stream, which waits for it.
  stream_.run_on_host(
      [&stream = stream_, mark = stream_.progress().mark(), copies = copies_](bool failed) {
        if (failed) return;
        try {
          for (const Copy& copy : *copies) write_back(stream.device(), copy);
        } catch (const Failure& failure) {
          stream.progress().note_failure(failure, mark);
        }
      });
}

void PinnedArgs::write_back(Device& device, const Copy& copy) {
  const std::lock_guard lock(device.service_mutex());
  const Mapped before(device, copy.given, copy.size_bytes());
  const Mapped after(device, copy.working, copy.size_bytes());
  copy_changes(copy.memory->host() + copy.begin_bytes, before.bytes(), after.bytes(),
               copy.size_bytes());
}

}  // namespace sampan::opencl
