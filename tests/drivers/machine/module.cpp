#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "backends/common/temp_dir.h"
#include "context.h"
#include "control.h"
#include "image.h"
#include "memory.h"

namespace sampan::emulator {
namespace {

constexpr unsigned kNvidia = 190;

/// Whether the device runs machine code of that generation: on NVIDIA's, an equal or older minor of
/// the same major number; on AMD's, that very one.
bool runs(const Properties& device, const Image& image) {
  if (image.target.elf_machine != kNvidia) return image.target.architecture == device.architecture;
  if (image.is_ptx) return true;
  return image.target.architecture / 10 == device.architecture / 10 &&
         image.target.architecture <= device.architecture;
}

struct LoadedObject {
  std::uint64_t base = 0;
  std::size_t thread_local_bytes = 0;
};

/// __shared__ variables are thread-local ones of the shared object.
std::size_t thread_local_bytes(void* library) {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0) return 0;
  LoadedObject object{map->l_addr, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<LoadedObject*>(data);
        if (info->dlpi_addr != wanted.base) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type == PT_TLS)
            wanted.thread_local_bytes = info->dlpi_phdr[i].p_memsz;
        }
        return 1;
      },
      &object);
  return object.thread_local_bytes;
}

template <typename T>
T read_at(std::string_view image, std::size_t offset) {
  T value{};
  if (offset + sizeof value <= image.size())
    std::memcpy(&value, image.data() + offset, sizeof value);
  return value;
}

/// Sizes of thread-local variables in the symbol table, added up by the function that they are in:
/// _ZZ4axpyE4tile belongs to "_ZZ4axpyE", a variable outside of functions to "".
std::map<std::string, std::size_t> shared_variables(std::string_view object) {
  std::map<std::string, std::size_t> bytes;
  const auto header = read_at<Elf64_Ehdr>(object, 0);
  const auto section = [&](std::size_t i) {
    return read_at<Elf64_Shdr>(object, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr symbols = section(i);
    if (symbols.sh_type != SHT_SYMTAB) continue;
    const Elf64_Shdr names = section(symbols.sh_link);
    for (std::size_t at = 0; at < symbols.sh_size; at += sizeof(Elf64_Sym)) {
      const auto symbol = read_at<Elf64_Sym>(object, symbols.sh_offset + at);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_TLS) continue;
      const std::string name = object.data() + names.sh_offset + symbol.st_name;
      const std::size_t end = name.starts_with("_ZZ") ? name.rfind('E') + 1 : 0;
      bytes[name.substr(0, end)] += symbol.st_size;
    }
  }
  return bytes;
}

}  // namespace

Module::Module(Context& context, const void* image) : context_(context) {
  const Properties& device = context.device().properties();
  const std::optional<Image> unpacked = unpack_image(image);
  require(unpacked.has_value(), Status::invalid_image);
  require(unpacked->target.elf_machine == device.elf_machine && runs(device, *unpacked),
          Status::no_binary_for_gpu);
  // The driver's own compiler refuses PTX for a newer device.
  require(!unpacked->is_ptx || unpacked->target.architecture <= device.architecture,
          Status::invalid_ptx);
  // Compiled by a real compiler: right machine, but nothing that can run here.
  require(!unpacked->code().empty(), Status::invalid_image);

  // A file of its own: the dynamic linker takes two objects of one path for the same. The mapping
  // outlives the file.
  const common::TempDir folder = common::TempDir::create("sampan-emulator");
  const std::string path = folder.write_file("module.so", common::bytes_of(unpacked->code()));
  library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) {
    Control::of_library().report(std::string("a module could not be loaded: ") + dlerror());
    refuse(Status::invalid_image);
  }
  shared_block_bytes_ = thread_local_bytes(library_);
  shared_bytes_ = shared_variables(unpacked->code());
}

Module::~Module() {
  if (library_ != nullptr) dlclose(library_);
}

const sampan_emulator::KernelEntry* Module::find(const std::string& name) const {
  // Both: a kernel without C linkage has no symbol of its plain name.
  if (dlsym(library_, name.c_str()) == nullptr) return nullptr;
  const void* entry = dlsym(library_, ("sampan_emulator_" + name).c_str());
  return static_cast<const sampan_emulator::KernelEntry*>(entry);
}

void* Module::function_handle(
    const std::string& name,
    const std::function<void*(const sampan_emulator::KernelEntry&)>& make) {
  std::lock_guard lock(mutex_);
  const auto known = handles_.find(name);
  if (known != handles_.end()) return known->second;
  const sampan_emulator::KernelEntry* const entry = find(name);
  if (entry == nullptr || entry->abi != sampan_emulator::kAbi) return nullptr;
  return handles_.emplace(name, make(*entry)).first->second;
}

Module::Global Module::global(const std::string& name) const {
  const void* const address = dlsym(library_, name.c_str());
  Dl_info info;
  const Elf64_Sym* symbol = nullptr;
  const bool found =
      address != nullptr &&
      dladdr1(address, &info, reinterpret_cast<void**>(const_cast<Elf64_Sym**>(&symbol)),
              RTLD_DL_SYMENT) != 0 &&
      symbol != nullptr && ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT;
  return found ? Global{address_of(address) | kDeviceBit, symbol->st_size} : Global{};
}

unsigned Module::static_shared_bytes(const std::string& kernel) const {
  const std::string own = "_ZZ" + std::to_string(kernel.size()) + kernel + "E";
  std::size_t mine = 0, functions = 0;
  for (const auto& [function, bytes] : shared_bytes_) {
    const std::string plain = function.substr(std::min<std::size_t>(function.size(), 3));
    const std::string name = plain.substr(0, plain.empty() ? 0 : plain.size() - 1);
    const std::size_t digits = name.find_first_not_of("0123456789");
    const bool is_kernel = digits != name.npos && find(name.substr(digits)) != nullptr;
    if (function == own) mine += bytes;
    if (!is_kernel) functions = std::max(functions, bytes);
  }
  return static_cast<unsigned>(mine + functions);
}

void Module::poison_static_shared(std::byte pattern) const {
  void* block = nullptr;
  if (shared_block_bytes_ == 0 || dlinfo(library_, RTLD_DI_TLS_DATA, &block) != 0 ||
      block == nullptr)
    return;
  std::memset(block, std::to_integer<int>(pattern), shared_block_bytes_);
}

unsigned Kernel::max_threads() const {
  const unsigned device = context().device().properties().max_threads_per_block;
  return entry->max_threads == 0 ? device : std::min(entry->max_threads, device);
}

unsigned Kernel::occupancy(unsigned threads, std::size_t dynamic_bytes) const {
  const Properties& device = context().device().properties();
  if (threads == 0 || threads > max_threads()) return 0;
  const unsigned warps = (threads + device.warp_size - 1) / device.warp_size;
  const std::size_t shared = static_shared_bytes + dynamic_bytes + device.reserved_shared_bytes;
  const std::size_t by_shared = shared == 0 ? device.max_blocks_per_multiprocessor
                                            : device.shared_bytes_per_multiprocessor / shared;
  const unsigned by_threads = device.max_threads_per_multiprocessor / (warps * device.warp_size);
  return static_cast<unsigned>(
      std::min<std::size_t>({by_shared, by_threads, device.max_blocks_per_multiprocessor}));
}

}  // namespace sampan::emulator
