#include "backends/common/shared_library.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "backends/common/temp_dir.h"

namespace sampan::common {
namespace {

using Need = SymbolSlot::Need;
using Names = std::vector<std::string>;
using MathFunction = double(double);

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(SharedLibrary, OpensTheFirstThatExists) {
  const Names names = {"libsampan-absent-1.so", "libm.so.6", "libsampan-absent-2.so"};
  const SharedLibrary library = SharedLibrary::open_first(names);
  ASSERT_TRUE(library) << library.error();
  EXPECT_EQ(library.name(), "libm.so.6");
  EXPECT_EQ(library.error(), "");
  EXPECT_TRUE(library.path().starts_with('/')) << library.path();
  EXPECT_TRUE(std::filesystem::exists(library.path()));
  EXPECT_TRUE(contains(library.path(), "libm"));

  MathFunction* const cosine = library.symbol<MathFunction>("cos");
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(cosine(0.0), 1.0);
  EXPECT_EQ(library.symbol<MathFunction>("sampan_no_such_symbol"), nullptr);
}

TEST(SharedLibrary, PathResolvesSymbolicLinks) {
  const std::string real = SharedLibrary::open_first(Names{"libm.so.6"}).path();
  const TempDir temp = TempDir::create("sampan-test");
  const std::string link = temp.file("libdriver.so.1");
  ASSERT_EQ(::symlink(real.c_str(), link.c_str()), 0);
  const SharedLibrary library = SharedLibrary::open_first(Names{link});
  ASSERT_TRUE(library) << library.error();
  EXPECT_EQ(library.name(), link);
  EXPECT_EQ(library.path(), real);
}

TEST(SharedLibrary, OpensByAbsolutePath) {
  const std::string path = SharedLibrary::open_first(Names{"libm.so.6"}).path();
  const SharedLibrary library = SharedLibrary::open_first(Names{path});
  ASSERT_TRUE(library) << library.error();
  EXPECT_EQ(library.path(), path);
}

TEST(SharedLibrary, NamesEveryFailure) {
  const TempDir temp = TempDir::create("sampan-test");
  const std::string text_file = temp.write_file("libtext.so", bytes_of(std::string(4096, '#')));
  const std::string empty_file = temp.write_file("libempty.so", {});
  const std::string cut_file =
      temp.write_file("libcut.so", bytes_of(std::string_view("\x7f"
                                                             "ELF\x02\x01\x01",
                                                             7)));
  const struct {
    Names names;
    Names parts;
  } cases[] = {
      {{}, {"no library was named"}},
      {{"libsampan-absent.so"}, {"libsampan-absent.so", "No such file or directory"}},
      {{"liba-absent.so", "libb-absent.so"},
       {"none of liba-absent.so, libb-absent.so", "liba-absent.so: cannot",
        "libb-absent.so: cannot"}},
      {{text_file}, {text_file, "invalid ELF header"}},
      {{empty_file}, {empty_file, "file too short"}},
      {{cut_file}, {cut_file, "file too short"}},
      {{temp.path()}, {temp.path()}},
      {{""}, {"an empty name names no library"}},
      {{"./libm.so.6"}, {"'./libm.so.6' is a relative path"}},
      {{"sub/libm.so.6"}, {"'sub/libm.so.6' is a relative path"}},
  };
  for (const auto& c : cases) {
    const SharedLibrary library = SharedLibrary::open_first(c.names);
    EXPECT_FALSE(library);
    EXPECT_EQ(library.name(), "");
    EXPECT_EQ(library.path(), "");
    EXPECT_EQ(library.symbol<MathFunction>("cos"), nullptr);
    for (const std::string& part : c.parts) {
      EXPECT_TRUE(contains(library.error(), part)) << library.error() << "\nlacks: " << part;
    }
  }
}

// A driver's table as a backend declares it.
struct MathTable {
  MathFunction* cos = nullptr;
  MathFunction* sin = nullptr;
  MathFunction* absent = nullptr;
  MathFunction* also_absent = nullptr;
};

TEST(LoadSymbols, FillsRequiredAndOptional) {
  MathTable table;
  table.absent = std::sqrt;  // an old value must not survive
  const SymbolSlot slots[] = {
      {"cos", &table.cos},
      {"sampan_absent", &table.absent, Need::kOptional},
      {"sin", &table.sin, Need::kOptional},
  };
  EXPECT_EQ(load_symbols(SharedLibrary::open_first(Names{"libm.so.6"}), slots), "");
  ASSERT_NE(table.cos, nullptr);
  ASSERT_NE(table.sin, nullptr);
  EXPECT_EQ(table.absent, nullptr);
  EXPECT_EQ(table.cos(0.0), 1.0);
  EXPECT_EQ(table.sin(0.0), 0.0);
}

TEST(LoadSymbols, NamesTheFirstMissingRequiredOneAndEmptiesTheTable) {
  MathTable table;
  const SymbolSlot slots[] = {
      {"cos", &table.cos},
      {"sampan_absent_1", &table.absent, Need::kRequired},
      {"sampan_absent_2", &table.also_absent, Need::kRequired},
      {"sin", &table.sin},
  };
  table.sin = std::sqrt;
  const SharedLibrary library = SharedLibrary::open_first(Names{"libm.so.6"});
  const std::string error = load_symbols(library, slots);
  EXPECT_TRUE(contains(error, "'sampan_absent_1'")) << error;
  EXPECT_FALSE(contains(error, "sampan_absent_2")) << error;
  EXPECT_TRUE(contains(error, library.path())) << error;
  EXPECT_EQ(table.cos, nullptr);
  EXPECT_EQ(table.sin, nullptr);
}

TEST(LoadSymbols, WithoutALibrary) {
  MathTable table;
  const SymbolSlot optional[] = {{"cos", &table.cos, Need::kOptional}};
  EXPECT_EQ(load_symbols(SharedLibrary(), optional), "");
  EXPECT_EQ(table.cos, nullptr);
  const SymbolSlot required[] = {{"cos", &table.cos}};
  EXPECT_TRUE(contains(load_symbols(SharedLibrary(), required), "no library is open"));
}

}  // namespace
}  // namespace sampan::common
