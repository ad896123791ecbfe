// What turns the end of a conformance case into its outcome.
#include "declaration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "runner.h"

namespace sampan::conformance {
namespace {

struct Match {
  const char *pattern, *text;
  bool expected;
};
class Patterns : public testing::TestWithParam<Match> {};
TEST_P(Patterns, Match) {
  EXPECT_EQ(matches(GetParam().pattern, GetParam().text), GetParam().expected)
      << GetParam().pattern << " on " << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Table, Patterns,
    testing::Values(Match{"", "", true}, Match{"", "a", false}, Match{"*", "", true},
                    Match{"*", "abc", true}, Match{"abc", "abc", true}, Match{"abc", "abcd", false},
                    Match{"abcd", "abc", false}, Match{"a*", "abc", true}, Match{"*c", "abc", true},
                    Match{"a*c", "abc", true}, Match{"a*c", "ac", true}, Match{"a*c", "abcd", false},
                    Match{"a*b*c", "axxbyyc", true}, Match{"a*b*c", "axxcyyb", false},
                    Match{"*ab", "aab", true}, Match{"*aab", "aaab", true},
                    Match{"a**b", "ab", true}, Match{"Copy.*", "Copy2d.Views", false}));

Declaration parsed(const char* json) { return Declaration::parse(json, "case.json"); }

TEST(Declaration, ReadsEntries) {
  const Declaration declaration = parsed(R"({
    "unsupported": [{"test": "A.*", "reason": "no A", "driver": "X*"}],
    "expected_failure": [{"test": "B.one", "reason": "bug 7"}]})");
  ASSERT_EQ(declaration.unsupported.size(), 1u);
  EXPECT_EQ(declaration.unsupported[0].test, "A.*");
  EXPECT_EQ(declaration.unsupported[0].reason, "no A");
  EXPECT_EQ(declaration.unsupported[0].driver, "X*");
  ASSERT_EQ(declaration.expected_failure.size(), 1u);
  EXPECT_TRUE(parsed("{}").unsupported.empty());
}

class BadDeclarations : public testing::TestWithParam<const char*> {};
TEST_P(BadDeclarations, AreRefusedByName) {
  try {
    static_cast<void>(parsed(GetParam()));
    ADD_FAILURE() << GetParam();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("case.json: "), std::string::npos) << error.what();
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadDeclarations,
    testing::Values("", "[]", "{", "null", R"({"unsuported": []})", R"({"unsupported": {}})",
                    R"({"unsupported": ["A"]})", R"({"unsupported": [{}]})",
                    R"({"unsupported": [{"test": "A"}]})",
                    R"({"unsupported": [{"reason": "A"}]})",
                    R"({"unsupported": [{"test": "A", "reason": ""}]})",
                    R"({"unsupported": [{"test": 1, "reason": "A"}]})",
                    R"({"unsupported": [{"test": "A", "reason": "B", "device": "C"}]})"));

TEST(Declaration, MissingFileIsNamed) {
  EXPECT_THROW(static_cast<void>(Declaration::read("/no/such/file.json")), std::runtime_error);
}

struct Row {
  Ending ending;
  const char* test;
  Outcome expected;
};
class Verdicts : public testing::TestWithParam<Row> {};
TEST_P(Verdicts, FollowTheDeclaration) {
  const Declaration declaration = parsed(R"({
    "unsupported": [{"test": "No.*", "reason": "never"},
                    {"test": "Here", "reason": "this driver", "driver": "Mine*"},
                    {"test": "There", "reason": "another driver", "driver": "Theirs"}],
    "expected_failure": [{"test": "Bug.*", "reason": "bug"}]})");
  const Verdict verdict = judge(GetParam().ending, declaration, GetParam().test, "Mine 1.0");
  EXPECT_EQ(verdict.outcome, GetParam().expected)
      << GetParam().test << ": " << to_string(verdict.outcome);
  if (verdict.outcome == Outcome::unsupported || verdict.outcome == Outcome::expected_failure) {
    EXPECT_FALSE(verdict.reason.empty());
  }
}
INSTANTIATE_TEST_SUITE_P(
    Table, Verdicts,
    testing::Values(Row{Ending::passed, "Yes", Outcome::passed},
                    Row{Ending::failed, "Yes", Outcome::failed},
                    Row{Ending::unsupported, "Yes", Outcome::failed},
                    Row{Ending::unsupported, "No.a", Outcome::unsupported},
                    Row{Ending::passed, "No.a", Outcome::passed},
                    Row{Ending::failed, "No.a", Outcome::failed},
                    Row{Ending::failed, "Bug.a", Outcome::expected_failure},
                    Row{Ending::passed, "Bug.a", Outcome::failed},
                    Row{Ending::unsupported, "Bug.a", Outcome::failed},
                    Row{Ending::unsupported, "Here", Outcome::unsupported},
                    Row{Ending::unsupported, "There", Outcome::failed}));

TEST(Cases, AreManyAndHaveNamesOfTheirOwn) {
  std::vector<std::string> names = case_names("");
  EXPECT_GE(names.size(), 350u);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Cases, AreFiltered) {
  EXPECT_EQ(case_names("Ops.Gemm"), std::vector<std::string>{"Ops.Gemm"});
  EXPECT_TRUE(case_names("No.Such").empty());
  const auto all = case_names("Ops.*"), some = case_names("Ops.*-Ops.Gemm*:Ops.Rope*");
  EXPECT_LT(some.size(), all.size());
  EXPECT_GT(some.size(), 5u);
  EXPECT_EQ(case_names("Ops.Gemm:Ops.Softmax").size(), 2u);
}

TEST(Cases, StaleDeclarationsAreFound) {
  const Declaration declaration = parsed(R"({
    "unsupported": [{"test": "Ops.*", "reason": "a"}, {"test": "Gone.*", "reason": "b"}],
    "expected_failure": [{"test": "Ops.Gemm2", "reason": "c"}]})");
  EXPECT_EQ(stale_entries(declaration), (std::vector<std::string>{"Gone.*", "Ops.Gemm2"}));
}

}  // namespace
}  // namespace sampan::conformance
