#include "core/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace sampan::core {
namespace {

const std::string kGood = R"({"name": "acme", "abi": {"major": 1, "minor_min": 2, "minor_max": 3},)"
                          R"( "path": "libacme.so", "sha256": ")" +
                          std::string(64, 'a') + "\"}";

TEST(Manifest, HoldsWhatTheTextSays) {
  std::string problem = "left over";
  const auto manifest = parse_manifest(kGood, problem);
  ASSERT_TRUE(manifest) << problem;
  EXPECT_TRUE(problem.empty()) << problem;
  EXPECT_EQ(manifest->name, "acme");
  EXPECT_EQ(manifest->abi_major, 1u);
  EXPECT_EQ(manifest->minor_min, 2u);
  EXPECT_EQ(manifest->minor_max, 3u);
  EXPECT_EQ(manifest->path, "libacme.so");
  EXPECT_EQ(manifest->sha256, std::string(64, 'a'));
}

TEST(Manifest, DigestIsOptional) {
  std::string problem;
  const auto manifest = parse_manifest(
      R"({"name": "a", "abi": {"major": 0, "minor_min": 0, "minor_max": 65535}, "path": "/x"})",
      problem);
  ASSERT_TRUE(manifest) << problem;
  EXPECT_EQ(manifest->sha256, "");
}

// No prefix of a manifest is one, and each gets a sentence.
TEST(Manifest, EveryCutIsRefused) {
  for (std::size_t size = 0; size < kGood.size(); ++size) {
    std::string problem;
    EXPECT_FALSE(parse_manifest(std::string_view(kGood).substr(0, size), problem)) << size;
    EXPECT_FALSE(problem.empty()) << size;
  }
}

// Any one byte may be wrong: the text is then refused with a sentence or says something else, and
// nothing worse happens.
TEST(Manifest, EveryChangedByteIsSurvived) {
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    for (const char byte : {'\0', '"', '\\', '{', '}', '9', '\xff'}) {
      std::string text = kGood;
      text[at] = byte;
      std::string problem;
      const auto manifest = parse_manifest(text, problem);
      EXPECT_EQ(manifest.has_value(), problem.empty()) << at;
    }
  }
}

TEST(Manifest, LimitOfItsSizeIsExact) {
  std::string problem;
  std::string text = kGood + std::string(kMaxManifestBytes - kGood.size(), ' ');
  EXPECT_TRUE(parse_manifest(text, problem)) << problem;
  text += ' ';
  EXPECT_FALSE(parse_manifest(text, problem));
  EXPECT_EQ(problem, "it is larger than 64 KiB");
}

}  // namespace
}  // namespace sampan::core
