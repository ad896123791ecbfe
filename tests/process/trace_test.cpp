// SAMPAN_TRACE: a file that viewers of Chrome's format read, and a sentence when it can't be
// written.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "private_folder.h"
#include "probe_program.h"

namespace sampan_test {
namespace {

using Json = nlohmann::json;

class Trace : public testing::TestWithParam<std::string> {};

// Names of the processes or threads, by "pid" or "pid/tid".
std::map<std::string, std::string> names_of(const Json& events, const std::string& kind) {
  std::map<std::string, std::string> names;
  for (const Json& event : events) {
    if (event["name"] != kind) continue;
    const bool is_thread = kind == "thread_name";
    const std::string key = event["pid"].dump() + (is_thread ? "/" + event["tid"].dump() : "");
    EXPECT_TRUE(names.emplace(key, event["args"]["name"]).second) << "named twice: " << event;
  }
  return names;
}

TEST_P(Trace, HoldsTheHostsCallsAndTheDevicesWorkOnOneClock) {
  const PrivateFolder folder;
  const auto file = folder.path() / "trace.json";
  const Outcome outcome = run_probe("trace_work", GetParam(), {{"SAMPAN_TRACE", file.string()}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  long long begin_ns = 0, end_ns = 0;
  ASSERT_EQ(std::sscanf(outcome.out.c_str(), "%lld %lld", &begin_ns, &end_ns), 2) << outcome.out;

  const Json trace = Json::parse(std::ifstream(file));
  const Json& events = trace.at("traceEvents");
  const auto processes = names_of(events, "process_name");
  const auto threads = names_of(events, "thread_name");
  // The two clocks are read one after the other; a busy machine may stop the thread in between.
  constexpr double kSlackUs = 100e3;
  std::map<std::string, int> counts;
  std::set<std::string> streams;
  for (const Json& event : events) {
    if (event.at("ph") != "X") continue;
    const std::string process = processes.at(event.at("pid").dump());
    const std::string name = event.at("name");
    const double ts = event.at("ts"), duration = event.at("dur");
    EXPECT_GE(duration, 0) << event;
    EXPECT_GE(ts, static_cast<double>(begin_ns) * 1e-3 - kSlackUs) << event;
    EXPECT_LE(ts + duration, static_cast<double>(end_ns) * 1e-3 + kSlackUs) << event;
    const std::string thread = threads.at(event.at("pid").dump() + "/" + event.at("tid").dump());
    if (process == GetParam()) streams.insert(thread);
    ++counts[process + ": " + name];
  }
  // 200 fills and copies, the work of 3 threads, the kernel's launch in a replayed graph.
  EXPECT_EQ(counts["host: fill fill"], 260);
  EXPECT_EQ(counts[GetParam() + ": fill"], 260);
  EXPECT_EQ(counts["host: copy copy"], 200);
  EXPECT_EQ(counts[GetParam() + ": copy"], 200);
  EXPECT_EQ(counts["host: copy_to_host copy_to_host"], 60);
  EXPECT_EQ(counts[GetParam() + ": copy_to_host"], 60);
  EXPECT_EQ(streams.size(), 61u);
}

INSTANTIATE_TEST_SUITE_P(All, Trace, testing::ValuesIn(probed_devices()),
                         [](const auto& test) { return backend_of(test.param); });

TEST(TraceFile, ThatCantBeOpenedIsNamedAndTheProgramGoesOn) {
  for (const std::string& path :
       {std::string("/nonexistent/folder/trace.json"), std::string("/")}) {
    const Outcome outcome = run_probe("trace_work", "cpu", {{"SAMPAN_TRACE", path}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    EXPECT_NE(outcome.err.find("SAMPAN_TRACE: " + path + " can't be written"), std::string::npos)
        << outcome.err;
  }
}

// More than a buffer of the C library's, then less: noticed while it runs, and at its end.
TEST(TraceFile, OnAFullDiskIsReportedOnceAndTheProgramGoesOn) {
  for (const char* scenario : {"trace_work", "fork_and_leave", "leak_buffer"}) {
    const Outcome outcome = run_probe(scenario, "cpu", {{"SAMPAN_TRACE", "/dev/full"}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    const std::string sentence = "SAMPAN_TRACE: /dev/full can't be written";
    const auto first = outcome.err.find(sentence);
    EXPECT_NE(first, std::string::npos) << scenario << ": " << outcome.err;
    EXPECT_EQ(outcome.err.find(sentence, first + 1), std::string::npos) << outcome.err;
  }
}

TEST(TraceFile, IsWrittenByTheProcessThatOpenedItAlone) {
  const PrivateFolder folder;
  const auto file = folder.path() / "trace.json";
  const Outcome outcome = run_probe("fork_and_leave", "cpu", {{"SAMPAN_TRACE", file.string()}});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(Json::accept(std::ifstream(file)));
}

}  // namespace
}  // namespace sampan_test
