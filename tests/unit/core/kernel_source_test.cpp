#include "core/kernel_source.h"

#include <gtest/gtest.h>

#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

void PrintTo(Access access, std::ostream* out) {
  constexpr const char* kNames[] = {"unknown", "value", "read", "write"};
  *out << kNames[static_cast<int>(access)];
}

namespace {

using Names = std::vector<std::string>;
using Accesses = std::vector<Access>;
constexpr Access V = Access::value, R = Access::read, W = Access::write;

// ---- Names
// ---------------------------------------------------------------------------------------

struct NameRow {
  const char* label;
  const char* text;
  Names names;
};

const NameRow kNameRows[] = {

    {"empty", "", {}},
    {"none", "int main() { return 0; }", {}},
    {"both_words", "KERNEL(a, 1, 1, 1)(u32 n) {}\nKERNEL_FLAT(b, 64, 1, 1)(u32 n) {}", {"a", "b"}},
    {"in_order_of_the_text", "KERNEL_FLAT(b,1,1,1)() {} KERNEL(a,1,1,1)() {}", {"b", "a"}},
    {"blanks", "KERNEL(  \n\t spaced , 1, 1, 1)() {}", {"spaced"}},
    {"line_comment", "// KERNEL(no, 1, 1, 1)\nKERNEL(yes, 1, 1, 1)() {}", {"yes"}},
    {"block_comment", "/* KERNEL(no,1,1,1)\n KERNEL(nor,1,1,1) */KERNEL(yes,1,1,1)()", {"yes"}},
    {"comment_in_the_head", "KERNEL(/* the name: */ yes, 1, 1, 1)() {}", {"yes"}},
    {"comment_without_end", "KERNEL(yes,1,1,1)() {} /* KERNEL(no,1,1,1)", {"yes"}},
    {"slash_at_the_end", "KERNEL(yes,1,1,1)() {} /", {"yes"}},
    {"longer_word", "MY_KERNEL(no, 1) SKERNEL_FLAT(no, 1) KERNELS(no)", {}},
    {"head_without_name", "KERNEL(", {}},
    {"cut_in_the_name", "KERNEL(ab", {"ab"}},
    {"digits_and_underscores", "KERNEL(gemm_8x8_, 1, 1, 1)() {}", {"gemm_8x8_"}}};

TEST(KernelSource, NamesAreThoseDefined) {
  for (const NameRow& row : kNameRows) {
    SCOPED_TRACE(row.label);
    EXPECT_EQ(kernel_names(row.text), row.names);
  }
}

// ---- Accesses
// ------------------------------------------------------------------------------------

struct AccessRow {
  const char* label;
  const char* parameters;
  Accesses accesses;
};

const AccessRow kAccessRows[] = {

    {"none", "", {}},
    {"blank", " \n ", {}},
    {"values", "u32 n, f32 factor", {V, V}},
    {"memory", "const GLOBAL f32* x, GLOBAL f32* y", {R, W}},
    {"star_at_the_name", "const GLOBAL f32 *x, GLOBAL f32 * y", {R, W}},
    {"no_blanks", "GLOBAL f32*y,u32 n", {W, V}},
    {"element_macro", "const GLOBAL ELEM(DT_X) * x, GLOBAL ELEM(DT_Y) * y", {R, W}},
    {"comma_in_a_macro", "GLOBAL PAIR(f32, 2) * x, u32 n", {W, V}},
    {"comments", "GLOBAL f32* y /* const, read */, // const GLOBAL *\n u32 n", {W, V}},
    {"line_breaks", "const GLOBAL f32*\n    x,\n    u32 n", {R, V}},
    {"const_pointer_only", "GLOBAL f32* const y", {W}},
    {"const_value", "const u32 n", {V}},
    // The macro may stand for any number of parameters: nothing is known.
    {"macro_of_parameters", "u32 n, MORE_ARGS", {}}};

TEST(KernelSource, AccessesFollowTheDeclaration) {
  for (const AccessRow& row : kAccessRows) {
    SCOPED_TRACE(row.label);
    const std::string text =
        std::string("KERNEL(other, 1, 1, 1)(u32 n) {}\nKERNEL(k, N * (2 + 1), 1, 1)(") +
        row.parameters + ") { if (n) { f(n); } }";
    EXPECT_EQ(kernel_accesses(text, "k"), row.accesses);
    EXPECT_EQ(kernel_accesses(text, "other"), Accesses{V});
  }
}

TEST(KernelSource, ValueBytesFollowTheDeclaration) {
  const std::string text =
      "KERNEL(k, 1, 1, 1)(i8 a, u8 b, i16 c, u16 d, i32 e, u32 f, f32 g, i64 h, u64 i, const u16 j, "
      "const GLOBAL f32* x, GLOBAL f32* y, GLOBAL u8 *z, ELEM(DT) v, u32x w) {}";
  EXPECT_EQ(kernel_value_bytes(text, "k"),
            (std::vector<std::uint32_t>{1, 1, 2, 2, 4, 4, 4, 8, 8, 2, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(kernel_value_bytes(text, "other").empty());
}

TEST(KernelSource, AccessesOfAnUnknownKernelAreEmpty) {
  EXPECT_TRUE(kernel_accesses("KERNEL(a, 1, 1, 1)(u32 n) {}", "b").empty());
  EXPECT_TRUE(kernel_accesses("", "b").empty());
}

TEST(KernelSource, CutTextHasNoAccesses) {
  const std::string text = "KERNEL(k, 1, 1, 1)(GLOBAL f32* x, u32 n)";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_TRUE(kernel_accesses(text.substr(0, size), "k").empty()) << size;
  }
  EXPECT_EQ(kernel_accesses(text, "k"), (Accesses{W, V}));
}

// ---- One text for a compiler
// ----------------------------------------------------------------------

constexpr std::uint32_t kLanguages[] = {SAMPAN_LANGUAGE_CPP, SAMPAN_LANGUAGE_OPENCL_C,
                                        SAMPAN_LANGUAGE_CUDA, SAMPAN_LANGUAGE_HIP};

constexpr const char* kText =
    "#include \"sampan_kernel.h\"\nKERNEL(k, 1, 1, 1)(u32 n) {}\nint line_3;\n";

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(KernelSource, FlatTextIncludesNothing) {
  for (const std::uint32_t language : kLanguages) {
    const std::string flat = flatten(kText, "mine", language);
    EXPECT_EQ(count(flat, "#include \""), 0u) << language;
    EXPECT_EQ(count(flat, "int line_3;"), 1u) << language;
    EXPECT_EQ(count(flat, "#ifndef SAMPAN_KERNEL_H"), 1u) << language;
  }
}

TEST(KernelSource, FlatTextHoldsTheTargetsHeaderAlone) {
  const struct {
    std::uint32_t language;
    std::string_view header, macro;
  } rows[] = {{SAMPAN_LANGUAGE_CPP, "cpu.h", "SAMPAN_TARGET_CPU"},
              {SAMPAN_LANGUAGE_OPENCL_C, "opencl.h", "SAMPAN_TARGET_OPENCL"},
              {SAMPAN_LANGUAGE_CUDA, "cuda.h", "SAMPAN_TARGET_CUDA"},
              {SAMPAN_LANGUAGE_HIP, "hip.h", "SAMPAN_TARGET_HIP"}};
  for (const auto& row : rows) {
    const std::string flat = flatten(kText, "mine", row.language);
    EXPECT_TRUE(flat.starts_with("#define " + std::string(row.macro) + " 1\n")) << row.macro;
    for (const auto& other : rows) {
      const std::string begin = "#line 1 \"dialect/" + std::string(other.header) + "\"";
      EXPECT_EQ(count(flat, begin), other.language == row.language ? 1u : 0u)
          << other.header << " for " << row.macro;
    }
  }
}

// Messages of the compiler have to name the caller's lines, also behind an include.
TEST(KernelSource, LinesKeepTheirNumbers) {
  const std::string flat = flatten(kText, "mine", SAMPAN_LANGUAGE_OPENCL_C);
  const std::size_t resumed = flat.rfind("#line 2 \"mine\"\n");
  ASSERT_NE(resumed, std::string::npos);
  EXPECT_TRUE(flat.substr(resumed).starts_with("#line 2 \"mine\"\nKERNEL(k, 1, 1, 1)(u32 n) {}\n"));
}

TEST(KernelSource, SecondIncludeIsLeftOut) {
  const std::string flat =
      flatten("#include \"sampan_kernel.h\"\n#include \"sampan_kernel.h\"\nx\n", "mine",
              SAMPAN_LANGUAGE_CUDA);
  EXPECT_EQ(count(flat, "#ifndef SAMPAN_KERNEL_H"), 1u);
  EXPECT_TRUE(flat.ends_with("#line 2 \"mine\"\n\nx\n")) << flat.substr(flat.size() - 40);
}

TEST(KernelSource, OnlyTheCpuExportsKernels) {
  for (const std::uint32_t language : kLanguages) {
    const std::string flat = flatten(kText, "mine", language);
    EXPECT_EQ(flat.ends_with("SAMPAN_CPU_EXPORT(k)\n"), language == SAMPAN_LANGUAGE_CPP);
  }
}

TEST(KernelSource, ForeignIncludesAreRefused) {
  for (const char* text : {"#include \"mine.h\"\n", "  #  include \"../sampan_kernel.h\"\n",
                           "#include \"/etc/passwd\"\n", "#include \"\"x\n#include \"mine.h\""}) {
    try {
      static_cast<void>(flatten(text, "kernels/my.k", SAMPAN_LANGUAGE_OPENCL_C));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
      EXPECT_NE(std::string(error.what()).find("kernels/my.k includes"), std::string::npos);
    }
  }
}

TEST(KernelSource, AngleIncludesAreTheCompilersAffair) {
  const std::string flat = flatten("#include <x.h>\n", "mine", SAMPAN_LANGUAGE_CPP);
  EXPECT_EQ(count(flat, "#include <x.h>\n"), 1u);
}

TEST(KernelSource, TextWithoutALastLineBreakIsWhole) {
  EXPECT_TRUE(flatten("int last;", "mine", SAMPAN_LANGUAGE_CUDA).ends_with("int last;\n"));
}

// ---- What ships
// --------------------------------------------------------------------------------------

TEST(KernelSource, EveryShippedKernelFlattensForEveryLanguage) {
  int kernels = 0;
  for (const EmbeddedFile& file : embedded_kernels()) {
    if (!file.name.ends_with(".k")) continue;
    const std::string_view name = file.name.substr(0, file.name.size() - 2);
    EXPECT_EQ(builtin_kernel(name), file.text);
    const Names names = kernel_names(file.text);
    EXPECT_FALSE(names.empty()) << file.name;
    kernels += static_cast<int>(names.size());
    for (const std::uint32_t language : kLanguages) {
      EXPECT_NO_THROW(static_cast<void>(flatten(file.text, file.name, language))) << file.name;
    }
  }
  EXPECT_GT(kernels, 20);
  EXPECT_TRUE(builtin_kernel("no_such_kernel").empty());
  EXPECT_TRUE(builtin_kernel("").empty());
}

}  // namespace
}  // namespace sampan::core
