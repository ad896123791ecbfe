#include "fixture.h"

namespace sampan::test {

void DriverTest::SetUp() {
  ASSERT_EQ(f.control("reset"), 0);
  ASSERT_EQ(driver.make_current(0), kOk);
  ASSERT_EQ(f.stream_create(&stream, kNonBlocking, 0), kOk);
}

void DriverTest::TearDown() {
  ASSERT_EQ(f.control("reset"), 0);
  EXPECT_EQ(driver.make_current(0), kOk);
  if (stream != nullptr) {
    EXPECT_EQ(f.stream_destroy(stream), kOk);
  }
  EXPECT_EQ(f.count("live"), 0u);
  EXPECT_EQ(driver.reset_current(), kOk);
}

DriverTest::Loaded DriverTest::load(const std::string& source, const char* name) {
  Loaded loaded;
  const Driver::Compiled compiled = driver.compile(source);
  EXPECT_EQ(compiled.result, kOk) << compiled.log;
  if (compiled.result != kOk) return loaded;
  EXPECT_EQ(f.module_load(&loaded.module, compiled.code.data()), kOk) << f.last_report();
  EXPECT_EQ(f.module_function(&loaded.function, loaded.module, name), kOk);
  return loaded;
}

void DriverTest::reset() {
  ASSERT_EQ(driver.reset_current(), kOk);
  stream = nullptr;
  ASSERT_EQ(f.stream_create(&stream, kNonBlocking, 0), kOk);
}

}  // namespace sampan::test
