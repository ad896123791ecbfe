#include "backends/opencl/memory.h"

#include <memory>
#include <string>
#include <utility>

namespace sampan::opencl {
namespace {

constexpr std::uint64_t kAlignmentBytes = Memory::kAlignmentBytes;
constexpr std::size_t kMaxViews = 1024;

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

bool aligned(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer) % kAlignmentBytes == 0;
}

char* align_up(void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  return static_cast<char*>(pointer) +
         (kAlignmentBytes - address % kAlignmentBytes) % kAlignmentBytes;
}

std::string allocating(std::uint64_t size_bytes) {
  return "Allocating " + std::to_string(size_bytes) + " bytes";
}

// `take(bytes)` allocates, `give(pointer)` frees. Drivers needn't honour an alignment beyond
// their largest vector type, so a block that comes out wrong is taken again with room to align.
template <typename Take, typename Give>
void* take_alignable(std::uint64_t size_bytes, Take&& take, Give&& give) {
  void* const first = take(size_bytes);
  if (aligned(first)) return first;
  give(first);
  return take(size_bytes + Memory::kAlignmentSlackBytes);
}

}  // namespace

Memory::Memory(Device& device, std::uint64_t size_bytes, Allocate how)
    : device_(device), id_(next_id()), size_bytes_(size_bytes) {
  const Traits& traits = device.traits();
  const bool on_host = how.kind == SAMPAN_MEMORY_HOST;
  const bool fine = (traits.svm & cl::kSvmFineGrainBuffer) != 0;
  if (traits.path == MemoryPath::kUsm) {
    allocate_usm(how.kind);
  } else if (traits.path == MemoryPath::kSvm && (!on_host || fine)) {
    const bool coarse = (traits.svm & cl::kSvmCoarseGrainBuffer) != 0;
    allocate_svm(on_host || traits.host_access() || !coarse);
  } else if (on_host) {
    allocate_mapped();
  } else {
    buffer_ =
        make_buffer(device, cl::kMemReadWrite, size_bytes, nullptr, allocating(size_bytes).c_str());
  }
  if (!on_host) {
    counted_bytes_ = size_bytes;
    device_.allocated_bytes.fetch_add(counted_bytes_, std::memory_order_relaxed);
  }
}

Memory::Memory(Device& device, std::uint64_t size_bytes, Register how)
    : device_(device), id_(next_id()), size_bytes_(size_bytes) {
  host_ = static_cast<char*>(how.pointer);
  const Traits& traits = device.traits();
  if (traits.path == MemoryPath::kSvm && (traits.svm & cl::kSvmFineGrainSystem) != 0) {
    pointer_ = host_;
    return;
  }
  buffer_ = make_buffer(device, cl::kMemReadWrite | cl::kMemUseHostPtr, size_bytes, how.pointer,
                        "Registering host memory");
  mapped_bytes_ = size_bytes;
  map();
}

Memory::Memory(Device& device, std::uint64_t size_bytes, Wrap how)
    : device_(device), id_(next_id()), size_bytes_(size_bytes) {
  if (device.traits().path != MemoryPath::kBuffer) {
    pointer_ = static_cast<char*>(how.native);
    return;
  }
  const auto theirs = static_cast<cl::Mem>(how.native);
  check(api().retain_mem_object(theirs), "clRetainMemObject", During::kAllocation,
        "Wrapping a cl_mem");
  buffer_ = OwnedMem(theirs);
}

Memory::~Memory() {
  device_.allocated_bytes.fetch_sub(counted_bytes_, std::memory_order_relaxed);
  views_.clear();
  alias_ = {};
  if (mapped()) {
    try {
      unmap();
    } catch (const Failure&) {
      // The device is gone; what remains is to drop the reference.
    }
  }
  if (free_ == Free::kSvm) api().svm_free(device_.context(), free_pointer_);
  if (free_ == Free::kUsm) {
    (void)device_.traits().extension.mem_blocking_free(device_.context(), free_pointer_);
  }
}

void Memory::allocate_svm(bool fine_grained) {
  const cl::Bitfield flags =
      cl::kMemReadWrite | (fine_grained ? cl::kMemSvmFineGrainBuffer : cl::Bitfield{0});
  free_pointer_ = take_alignable(
      size_bytes_,
      [&](std::uint64_t bytes) {
        void* const block = api().svm_alloc(device_.context(), flags, bytes, 0);
        if (block != nullptr) return block;
        Failure failure(SAMPAN_OUT_OF_DEVICE_MEMORY,
                        allocating(size_bytes_) +
                            " failed: clSVMAlloc returned NULL; free device memory and try again");
        failure.flags = SAMPAN_ERROR_RETRYABLE;
        failure.driver_call = "clSVMAlloc";
        throw failure;
      },
      [&](void* block) { api().svm_free(device_.context(), block); });
  free_ = Free::kSvm;
  pointer_ = align_up(free_pointer_);
  if (fine_grained) host_ = pointer_;
}

void Memory::allocate_usm(std::uint32_t kind) {
  const ExtensionApi& usm = device_.traits().extension;
  const bool on_host = kind == SAMPAN_MEMORY_HOST;
  free_pointer_ = take_alignable(
      size_bytes_,
      [&](std::uint64_t bytes) {
        cl::Int code = cl::kSuccess;
        void* const block =
            on_host
                ? usm.host_mem_alloc(device_.context(), nullptr, bytes, 0, &code)
                : usm.device_mem_alloc(device_.context(), device_.id(), nullptr, bytes, 0, &code);
        check(code, on_host ? "clHostMemAllocINTEL" : "clDeviceMemAllocINTEL", During::kAllocation,
              allocating(size_bytes_));
        return block;
      },
      [&](void* block) { (void)usm.mem_blocking_free(device_.context(), block); });
  free_ = Free::kUsm;
  pointer_ = align_up(free_pointer_);
  if (on_host) host_ = pointer_;
}

// Pinned memory, the portable way: a buffer that the driver puts into host memory, mapped.
void Memory::allocate_mapped() {
  const std::string doing = allocating(size_bytes_) + " of pinned host memory";
  const auto make = [&](std::uint64_t bytes) {
    mapped_bytes_ = bytes;
    buffer_ = make_buffer(device_, cl::kMemReadWrite | cl::kMemAllocHostPtr, bytes, nullptr,
                          doing.c_str());
    map();
  };
  make(size_bytes_);
  if (!aligned(mapping_)) {
    unmap();
    make(size_bytes_ + Memory::kAlignmentSlackBytes);
  }
  host_ = align_up(mapping_);
}

void Memory::map() {
  const std::lock_guard lock(device_.service_mutex());
  cl::Int code = cl::kSuccess;
  void* const at = api().enqueue_map_buffer(device_.service_queue(), buffer(), cl::kTrue,
                                            cl::kMapRead | cl::kMapWrite, 0, mapped_bytes_, 0,
                                            nullptr, nullptr, &code);
  check(code, "clEnqueueMapBuffer", During::kAllocation, "Mapping pinned host memory");
  mapping_ = static_cast<char*>(at);
}

void Memory::unmap() {
  constexpr const char* kDoing = "Unmapping pinned host memory";
  const std::lock_guard lock(device_.service_mutex());
  const cl::Queue queue = device_.service_queue();
  check(api().enqueue_unmap_mem_object(queue, buffer(), std::exchange(mapping_, nullptr), 0,
                                       nullptr, nullptr),
        "clEnqueueUnmapMemObject", During::kSubmission, kDoing);
  check(api().finish(queue), "clFinish", During::kExecution, kDoing);
}

cl::Mem Memory::as_buffer() {
  if (buffer_) return buffer();
  if (device_.traits().path != MemoryPath::kSvm) return nullptr;
  const std::lock_guard lock(views_mutex_);
  if (!alias_) {
    alias_ = make_buffer(device_, cl::kMemReadWrite | cl::kMemUseHostPtr, size_bytes_, pointer_,
                         "Making a buffer of shared virtual memory");
  }
  return alias_.get();
}

OwnedMem Memory::alias_part(std::uint64_t offset_bytes, std::uint64_t size_bytes) const {
  if (device_.traits().path != MemoryPath::kSvm || pointer_ == nullptr) return {};
  return make_buffer(device_, cl::kMemReadWrite | cl::kMemUseHostPtr, size_bytes,
                     pointer_ + offset_bytes, "Making a buffer of shared virtual memory");
}

OwnedMem Memory::buffer_at(std::uint64_t offset_bytes) {
  if (offset_bytes == 0) return part_for_kernel(buffer(), 0, size_bytes_);
  const std::lock_guard lock(views_mutex_);
  if (views_.size() >= kMaxViews) views_.clear();
  OwnedMem& view = views_[offset_bytes];
  if (!view) view = part_for_kernel(buffer(), offset_bytes, size_bytes_ - offset_bytes);
  return part_for_kernel(view.get(), 0, size_bytes_ - offset_bytes);
}

OwnedMem make_buffer(const Device& device, cl::Bitfield flags, std::uint64_t bytes, void* host,
                     const char* doing) {
  cl::Int code = cl::kSuccess;
  OwnedMem made(api().create_buffer(device.context(), flags, bytes, host, &code));
  check(code, "clCreateBuffer", During::kAllocation, doing);
  return made;
}

OwnedMem part_for_kernel(cl::Mem buffer, std::uint64_t offset_bytes, std::uint64_t size_bytes) {
  if (offset_bytes == 0) {
    check(api().retain_mem_object(buffer), "clRetainMemObject", During::kSubmission,
          "Passing a buffer to a kernel");
    return OwnedMem(buffer);
  }
  const cl::BufferRegion region{offset_bytes, size_bytes};
  cl::Int code = cl::kSuccess;
  OwnedMem part(api().create_sub_buffer(buffer, 0, cl::kBufferCreateTypeRegion, &region, &code));
  check(code, "clCreateSubBuffer", During::kSubmission,
        "Passing the part of a buffer that starts at byte " + std::to_string(offset_bytes));
  return part;
}

namespace {

sampan_code_t allocate(sampan_device_t* device, std::uint32_t kind, std::uint64_t size_bytes,
                       sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Allocate{kind}).release();
  });
}

sampan_code_t register_host(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out =
        std::make_unique<sampan_memory>(*device, size_bytes, Memory::Register{pointer}).release();
  });
}

sampan_code_t wrap(sampan_device_t* device, void* native, std::uint64_t size_bytes,
                   sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Wrap{native}).release();
  });
}

void release(sampan_memory_t* memory) { dispose(memory); }

sampan_code_t host_address(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (memory->host() == nullptr) {
      throw Failure(SAMPAN_UNSUPPORTED,
                    "The host can't reach this memory; copy it to host memory instead");
    }
    *out = memory->host();
  });
}

sampan_code_t native(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return guarded(error, [&] {
    *out = memory->pointer() != nullptr ? static_cast<void*>(memory->pointer()) : memory->buffer();
  });
}

}  // namespace

const sampan_memory_table_t kMemoryTable = {
    .size = sizeof(sampan_memory_table_t),
    .reserved = 0,
    .allocate = allocate,
    .register_host = register_host,
    .wrap = wrap,
    .release = release,
    .host_address = host_address,
    .native = native,
};

}  // namespace sampan::opencl
