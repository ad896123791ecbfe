// Loading code: the dialect, definitions, shipped kernels, binaries; code that is wrong.
#include <algorithm>

#include "conformance.h"
#include "threads.h"

namespace sampan::conformance {
namespace {

constexpr const char* kSetText = R"(#include "sampan_kernel.h"
#ifndef VALUE
#define VALUE 1
#endif
KERNEL_FLAT(set, 1, 1, 1)(GLOBAL u32* out) { out[0] = VALUE; }
)";

std::uint32_t run_set(const Module& module) {
  Stream stream = device().create_stream();
  const Buffer out = stream.allocate(4);
  stream.launch(module.kernel("set"), LaunchConfig{}, out);
  return download<std::uint32_t>(stream, out)[0];
}

Module load(std::string_view text, const LoadOptions& options = {}) {
  return device().load(Code::dialect("case", text), options);
}

struct BadDefinition {
  const char *name, *macro, *value;
};
constexpr BadDefinition kBadDefinitions[] = {
    {"SpaceInTheName", "WITH SPACE", "1"}, {"NoName", "", "1"},
    {"SpaceInTheValue", "A", "1 2"},       {"QuotesInTheValue", "A", "\"text\""},
    {"NewlineInTheValue", "A", "1\n2"},    {"DollarInTheValue", "A", "$(touch)"},
    {"BacktickInTheValue", "A", "`id`"},   {"BackslashInTheValue", "A", "1\\"}};

void add_definitions(CaseList& cases) {
  cases.add("Module", "Definitions", [] {
    EXPECT_EQ(run_set(load(kSetText)), 1u);
    EXPECT_EQ(run_set(load(kSetText, {{{"VALUE", "42"}}})), 42u);
    EXPECT_EQ(run_set(load(kSetText, {{{"UNUSED", ""}, {"VALUE", "(3+4)*2"}}})), 14u);
  });
  // The dialect's headers use no name that an author would define.
  cases.add("Module", "DefinitionsOfEveryLetter", [] {
    LoadOptions options{{{"VALUE", "N+BM"}, {"BM", "40"}, {"DT", "F32"}, {"TILE", "1"}}};
    for (char letter = 'A'; letter <= 'Z'; ++letter) {
      options.defines.emplace_back(std::string(1, letter), "2");
    }
    EXPECT_EQ(run_set(load(kSetText, options)), 42u);
  });
  cases.add("Module", "DefinitionsInAnyOrder", [] {
    constexpr const char* kTwo = R"(#include "sampan_kernel.h"
KERNEL_FLAT(set, 1, 1, 1)(GLOBAL u32* out) { out[0] = A * 10 + B; }
)";
    EXPECT_EQ(run_set(load(kTwo, {{{"A", "1"}, {"B", "2"}}})), 12u);
    EXPECT_EQ(run_set(load(kTwo, {{{"B", "2"}, {"A", "1"}}})), 12u);
  });
  for (const BadDefinition& row : kBadDefinitions) {
    cases.add("Module", std::string("DefinitionRefused/") + row.name, [&row] {
      expect_error(ErrorCode::invalid_argument,
                   [&] { static_cast<void>(load(kSetText, {{{row.macro, row.value}}})); },
                   {row.macro});
    });
  }
}

// Names that some target language has functions of.
void add_names(CaseList& cases) {
  for (const char* name : {"step", "rotate", "dot", "max", "sin", "floor", "main", "copy", "kernel_1"}) {
    cases.add("Module", std::string("KernelNamed/") + name, [name = std::string(name)] {
      const std::string text = "#include \"sampan_kernel.h\"\nKERNEL_FLAT(" + name +
                               ", 1, 1, 1)(GLOBAL u32* out) { out[0] = 7; }\n";
      Stream stream = device().create_stream();
      const Buffer out = stream.allocate(4);
      stream.launch(load(text).kernel(name), LaunchConfig{}, out);
      EXPECT_EQ(download<std::uint32_t>(stream, out)[0], 7u);
    });
  }
}

void add_handles(CaseList& cases) {
  cases.add("Module", "KernelKnowsItself", [] {
    const Kernel kernel = helper_kernel("reverse_16");
    EXPECT_EQ(kernel.name(), "reverse_16");
    EXPECT_EQ(kernel.device(), device());
    EXPECT_EQ(kernel.group(), (std::array<std::uint32_t, 3>{16, 1, 1}));
    EXPECT_GE(kernel.max_group_items(), 16u);
    EXPECT_EQ(helper_kernel("ids_4x3x2").group(), (std::array<std::uint32_t, 3>{4, 3, 2}));
  });
  cases.add("Module", "KernelKeepsItsModule", [] {
    Kernel kernel;
    { kernel = load(kSetText, {{{"VALUE", "17"}}}).kernel("set"); }
    Stream stream = device().create_stream();
    const Buffer out = stream.allocate(4);
    stream.launch(kernel, LaunchConfig{}, out);
    EXPECT_EQ(download<std::uint32_t>(stream, out)[0], 17u);
  });
  cases.add("Module", "DroppedWithLaunchesInFlight", [] {
    Stream stream = device().create_stream();
    const Buffer out = stream.allocate(4);
    Gate gate(stream);
    {
      const Module module = load(kSetText, {{{"VALUE", "23"}}});
      stream.launch(module.kernel("set"), LaunchConfig{}, out);
    }
    gate.open();
    EXPECT_EQ(download<std::uint32_t>(stream, out)[0], 23u);
  });
  cases.add("Module", "UnknownKernel", [] {
    const Module module = load(kSetText);
    expect_error(ErrorCode::not_found, [&] { static_cast<void>(module.kernel("get")); }, {"get"});
    expect_error(ErrorCode::not_found, [&] { static_cast<void>(module.kernel("")); });
    expect_error(ErrorCode::not_found, [&] { static_cast<void>(module.kernel("set ")); });
    EXPECT_EQ(run_set(module), 1u);
  });
  cases.add("Module", "EmptyHandlesAreRefused", [] {
    expect_error(ErrorCode::invalid_argument, [] { static_cast<void>(Module().kernel("set")); });
    expect_error(ErrorCode::invalid_argument, [] { static_cast<void>(Module().binary()); });
    EXPECT_FALSE(Kernel());
    EXPECT_TRUE(Kernel().name().empty());
  });
  cases.add("Module", "OneKernelOnManyStreamsAtOnce", [] {
    const Kernel step = helper_kernel("advance");
    std::vector<std::uint32_t> results(8);
    Threads threads;
    for (std::uint32_t id = 0; id < 8; ++id) {
      threads.start([&results, &step, id, on = device()] {
        Stream stream = on.create_stream();
        const Buffer data = upload(stream, std::vector<std::uint32_t>{id});
        for (std::uint32_t i = 0; i < 500; ++i) stream.launch(step, items64(1), 1u, 1u, id, data);
        results[id] = download<std::uint32_t>(stream, data)[0];
      });
    }
    threads.join();
    for (std::uint32_t id = 0; id < 8; ++id) EXPECT_EQ(results[id], id * 501);
  });
  cases.add("Module", "LoadedByManyThreadsAtOnce", [] {
    std::vector<int> loaded(8);
    Threads threads;
    for (std::size_t id = 0; id < 8; ++id) {
      threads.start([&loaded, id, on = device()] {
        const Module module = on.load(Code::dialect("case", kSetText), {{{"VALUE", "5"}}});
        loaded[id] = module.kernel("set") ? 1 : 0;
      });
    }
    threads.join();
    EXPECT_EQ(std::ranges::count(loaded, 1), 8);
  });
}

// What ships with Sampan compiles here with its default tile.
struct Shipped {
  const char* file;
  const char* kernels;  // separated by blanks
};
constexpr Shipped kShipped[] = {
    {"gemm", "gemm"},
    {"gemv", "gemv"},
    {"gemm_quant", "gemm_quant"},
    {"gemv_quant", "gemv_quant"},
    {"gemm_i8", "gemm_i8"},
    {"attention", "attention attention_merge"},
    {"elementwise", "elementwise_silu elementwise_gelu_tanh elementwise_gelu_erf elementwise_scale "
                    "elementwise_cast elementwise_add elementwise_mul elementwise_silu_mul"},
    {"rms_norm", "rms_norm"},
    {"layer_norm", "layer_norm"},
    {"softmax", "softmax"},
    {"rope", "rope"},
    {"embedding", "embedding"},
    {"top_k", "argmax top_k"},
    {"quantize", "quantize dequantize"},
    {"transpose", "transpose"},
};

void add_shipped(CaseList& cases) {
  for (const Shipped& row : kShipped) {
    cases.add("Module", std::string("Builtin/") + row.file, [&row] {
      const Module module = device().load(Code::builtin(row.file));
      std::string_view names = row.kernels;
      while (!names.empty()) {
        const std::size_t end = std::min(names.find(' '), names.size());
        const Kernel kernel = module.kernel(std::string(names.substr(0, end)));
        EXPECT_GE(kernel.group()[0], 1u) << kernel.name();
        names.remove_prefix(std::min(end + 1, names.size()));
      }
    });
  }
  cases.add("Module", "Builtin/UnknownName", [] {
    expect_error(ErrorCode::not_found,
                 [] { static_cast<void>(device().load(Code::builtin("no_such_file"))); },
                 {"no_such_file"});
    expect_error(ErrorCode::not_found,
                 [] { static_cast<void>(device().load(Code::builtin("../gemm"))); });
    expect_error(ErrorCode::not_found, [] { static_cast<void>(device().load(Code::builtin(""))); });
  });
}

void add_binaries(CaseList& cases) {
  cases.add("Binary", "LoadsAgain", [] {
    const std::vector<std::byte> binary = load(kSetText, {{{"VALUE", "31"}}}).binary();
    EXPECT_FALSE(binary.empty());
    EXPECT_EQ(run_set(device().load(Code::native("again", binary))), 31u);
  });
  // A damaged binary is refused, or still the right code; it never runs as something else.
  for (const int damage : {0, 1, 2, 3}) {
    cases.add("Binary", "Damaged/" + std::to_string(damage), [damage] {
      std::vector<std::byte> binary = load(kSetText, {{{"VALUE", "31"}}}).binary();
      if (damage == 0) binary.resize(binary.size() / 2);
      if (damage == 1) binary.resize(1);
      if (damage == 2) std::fill_n(binary.begin(), std::min<std::size_t>(binary.size(), 16), std::byte{});
      if (damage == 3) binary.pop_back();
      expect_error(ErrorCode::invalid_binary,
                   [&] { static_cast<void>(device().load(Code::native("damaged", binary))); });
      EXPECT_EQ(run_set(load(kSetText)), 1u);
    });
  }
  for (const std::size_t size : {1u, 64u, 100'000u}) {
    cases.add("Binary", "Garbage/" + std::to_string(size), [size] {
      const auto bytes = test_bytes(size);
      expect_error(ErrorCode::invalid_binary,
                   [&] { static_cast<void>(device().load(Code::native("garbage", bytes))); });
    });
  }
  cases.add("Binary", "GarbageAsSpirv", [] {
    const auto bytes = test_bytes(4096);
    try {
      static_cast<void>(device().load(Code::spirv("garbage", bytes)));
      ADD_FAILURE() << "it was loaded";
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::invalid_binary ||
                  error.code() == ErrorCode::compile_failed ||
                  error.code() == ErrorCode::unsupported)
          << error.what();
    }
  });
  for (const Code::Format format : {Code::Format::dialect, Code::Format::source,
                                    Code::Format::native, Code::Format::spirv}) {
    cases.add("Binary", "Empty/" + std::to_string(static_cast<int>(format)), [format] {
      Code code;
      code.format = format;
      code.name = "nothing";
      expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(device().load(code)); },
                   {"nothing", "empty"});
    });
  }
}

struct Broken {
  const char* name;
  const char* text;
  const char* in_log;
};
constexpr Broken kBroken[] = {
    {"UnknownName",
     "#include \"sampan_kernel.h\"\n\nKERNEL_FLAT(set, 1, 1, 1)(GLOBAL u32* out) {\n"
     "  out[0] = no_such_name;\n}\n",
     "no_such_name"},
    {"MissingBrace", "#include \"sampan_kernel.h\"\nKERNEL_FLAT(set, 1, 1, 1)(GLOBAL u32* out) {\n",
     ""},
    {"WrongType",
     "#include \"sampan_kernel.h\"\n\nKERNEL_FLAT(set, 1, 1, 1)(GLOBAL u32* out) {\n"
     "  out[0] = out;\n  struct a b = 3;\n}\n",
     ""},
    {"ErrorDirective", "#include \"sampan_kernel.h\"\n\n\n#error this_is_the_reason\n",
     "this_is_the_reason"},
};

void add_broken(CaseList& cases) {
  for (const Broken& row : kBroken) {
    cases.add("BrokenCode", row.name, [&row] {
      try {
        static_cast<void>(device().load(Code::dialect("broken", row.text)));
        ADD_FAILURE() << "it compiled";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::compile_failed) << error.what();
        EXPECT_FALSE(error.info().detail.empty()) << "no log";
        EXPECT_NE(error.info().detail.find(row.in_log), std::string::npos) << error.info().detail;
        EXPECT_NE(error.info().message.find("broken"), std::string::npos) << error.what();
      }
      EXPECT_EQ(run_set(load(kSetText)), 1u);
    });
  }
  // The log counts lines as the author does, not as after splicing in the dialect's headers.
  cases.add("BrokenCode", "LogNamesTheLine", [] {
    try {
      static_cast<void>(device().load(Code::dialect("broken", kBroken[0].text)));
      ADD_FAILURE() << "it compiled";
    } catch (const Error& error) {
      EXPECT_NE(error.info().detail.find("broken:4"), std::string::npos) << error.info().detail;
    }
  });
  cases.add("BrokenCode", "SourceOfAnotherKind", [] {
    try {
      static_cast<void>(device().load(Code::source("prose", "This is no program at all.")));
      ADD_FAILURE() << "it compiled";
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::compile_failed ||
                  error.code() == ErrorCode::unsupported)
          << error.what();
    }
  });
  for (const char* include : {"kernels.h", "/etc/hostname", "../secret.h"}) {
    cases.add("BrokenCode", std::string("ForeignInclude/") + include, [include] {
      const std::string text = "#include \"" + std::string(include) + "\"\n" + kSetText;
      expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(load(text)); }, {include});
    });
  }
  cases.add("BrokenCode", "MoreLocalMemoryThanThereIs", [] {
    const std::uint64_t words = device().info().local_memory_bytes / 4 * 2;
    const std::string text = "#include \"sampan_kernel.h\"\nKERNEL(hog, 64, 1, 1)(GLOBAL u32* out) {\n"
                             "  LOCAL_POOL(u32, pool, " + std::to_string(words) + ");\n"
                             "  for (u32 i = LID(0); i < " + std::to_string(words) + "; i += 64) pool[i] = out[i % 64];\n"
                             "  BARRIER();\n  out[LID(0)] = pool[out[LID(0)] % " + std::to_string(words) + "];\n}\n";
    Stream stream = device().create_stream();
    const Buffer out = upload(stream, std::vector<std::uint32_t>(64, 1));
    try {
      const Module module = load(text);
      stream.launch(module.kernel("hog"), items64(64), out);
      stream.synchronize();
      ADD_FAILURE() << "a kernel with twice the device's local memory ran";
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::compile_failed ||
                  error.code() == ErrorCode::unsupported)
          << error.what();
    }
    EXPECT_EQ(run_set(load(kSetText)), 1u);
  });
}

}  // namespace

void add_module_cases(CaseList& cases) {
  add_definitions(cases);
  add_names(cases);
  add_handles(cases);
  add_shipped(cases);
  add_binaries(cases);
  add_broken(cases);
}

}  // namespace sampan::conformance
