#include "api.h"

#include "binder.h"

namespace sampan::test {

void bind_control(Functions& f, const Binder& bind) {
  bind(f.emulated, "sampan_emulated_driver");
  bind(f.control, "sampan_emu_control");
  bind(f.count, "sampan_emu_count");
  bind(f.last_report, "sampan_emu_last_report");
}

void bind_compiler(Functions& f, const Binder& bind, const std::string& prefix,
                   const std::string& code) {
  bind(f.program_create, (prefix + "CreateProgram").c_str());
  bind(f.program_destroy, (prefix + "DestroyProgram").c_str());
  bind(f.program_compile, (prefix + "CompileProgram").c_str());
  bind(f.program_log_bytes, (prefix + "GetProgramLogSize").c_str());
  bind(f.program_log, (prefix + "GetProgramLog").c_str());
  bind(f.program_code_bytes, (prefix + code + "Size").c_str());
  bind(f.program_code, (prefix + code).c_str());
}

Driver::Driver(const std::string& library, const std::string& compiler, bool is_cuda)
    : library_(open(library)), compiler_(open(compiler)), is_cuda_(is_cuda) {}

void* Driver::open(const std::string& file) {
  void* const library =
      dlopen((std::string(SAMPAN_DRIVERS_FOLDER) + "/" + file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return library;
}

Driver& Driver::of(const std::string& vendor) {
  if (vendor == "cuda") {
    static Driver& cuda = *open_cuda().release();
    return cuda;
  }
  static Driver& hip = *open_hip().release();
  return hip;
}

void* Driver::symbol(const char* name) const {
  void* const address = dlsym(library_, name);
  return address != nullptr ? address : dlsym(compiler_, name);
}

unsigned Driver::warp_size() {
  int size = 0;
  return f.device_attribute(&size, is_cuda() ? 10 : 87, 0) == kOk ? static_cast<unsigned>(size) : 0;
}

Driver::Compiled Driver::compile(const std::string& text, std::vector<std::string> options,
                                 const std::vector<std::pair<std::string, std::string>>& headers,
                                 const std::string& name) {
  options.insert(options.begin(),
                 is_cuda() ? "--gpu-architecture=sm_90" : "--gpu-architecture=gfx90a");
  std::vector<const char*> words, header_texts, header_names;
  for (const std::string& option : options) words.push_back(option.c_str());
  for (const auto& [header_name, header_text] : headers) {
    header_names.push_back(header_name.c_str());
    header_texts.push_back(header_text.c_str());
  }
  Compiled compiled;
  Handle program = nullptr;
  compiled.result =
      f.program_create(&program, text.c_str(), name.c_str(), static_cast<int>(headers.size()),
                       header_texts.data(), header_names.data());
  if (compiled.result != kOk) return compiled;
  compiled.result = f.program_compile(program, static_cast<int>(words.size()), words.data());
  std::size_t bytes = 0;
  if (f.program_log_bytes(program, &bytes) == kOk) {
    compiled.log.resize(bytes);
    if (f.program_log(program, compiled.log.data()) != kOk) compiled.log.clear();
  }
  if (compiled.result == kOk && f.program_code_bytes(program, &bytes) == kOk) {
    compiled.code.resize(bytes);
    compiled.result = f.program_code(program, compiled.code.data());
  }
  (void)f.program_destroy(&program);
  return compiled;
}

}  // namespace sampan::test
