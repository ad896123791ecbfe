#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "commands.h"
#include "sampan/device.h"
#include "text_file.h"

namespace sampan::cli {
namespace {

struct Options {
  std::string file, device = "auto", output;
  std::vector<std::string> defines, kernels;
};

LoadOptions to_load_options(const std::vector<std::string>& defines) {
  LoadOptions options;
  for (const std::string& define : defines) {
    const std::size_t equals = define.find('=');
    options.defines.emplace_back(define.substr(0, equals),
                                 equals == std::string::npos ? "1" : define.substr(equals + 1));
  }
  return options;
}

// Returns its size.
std::size_t write_binary(const Module& module, const std::string& path) {
  const std::vector<std::byte> bytes = module.binary();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error(path + ": it can't be written; check the path and the disk");
  return bytes.size();
}

void compile(const Options& options) {
  const std::string text = read_text_file(options.file);
  const Device target = device(options.device);
  const Module module =
      target.load(Code::dialect(options.file, text), to_load_options(options.defines));
  // All that can fail comes before the first output.
  std::vector<Kernel> kernels;
  for (const std::string& name : options.kernels) kernels.push_back(module.kernel(name));
  const std::size_t size_bytes = options.output.empty() ? 0 : write_binary(module, options.output);
  std::printf("%s: compiles for %s (%s)\n", options.file.c_str(), target.id().c_str(),
              target.info().isa.c_str());
  for (const Kernel& kernel : kernels) {
    const auto group = kernel.group();
    std::printf("  %s: groups of %u x %u x %u items\n", kernel.name().c_str(), group[0], group[1],
                group[2]);
  }
  if (size_bytes > 0) std::printf("%s: %zu bytes\n", options.output.c_str(), size_bytes);
}

}  // namespace

void add_compile(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("compile", "Compile a kernel of the portable dialect for a device");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->file, "Kernel file")->required();
  command->add_option("-d,--device", options->device, "Device to compile for");
  command->add_option("-D,--define", options->defines, "Macro definition NAME=VALUE");
  command->add_option("-k,--kernel", options->kernels, "Show this kernel's group size");
  command->add_option("-o,--output", options->output, "Write the device's binary to this file");
  command->callback([options, &exit_code] {
    compile(*options);
    exit_code = 0;
  });
}

}  // namespace sampan::cli
