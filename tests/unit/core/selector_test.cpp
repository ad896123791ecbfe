#include "core/selector.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>

#include "mock_library.h"
#include "sampan/error.h"

namespace sampan {
namespace {

using Words = std::vector<std::string>;

TEST(Split, DropsBlanksAndEmptyItems) {
  EXPECT_EQ(core::split("", ','), Words{});
  EXPECT_EQ(core::split(",", ','), Words{});
  EXPECT_EQ(core::split(" , \t,", ','), Words{});
  EXPECT_EQ(core::split("a", ','), Words{"a"});
  EXPECT_EQ(core::split(" a ,, b c\t,", ','), (Words{"a", "b c"}));
  EXPECT_EQ(core::split("a:b", ','), Words{"a:b"});
}

// ---- The mock's devices: 0 and 2 with a UUID, 1 with a PCI address
// --------------------------------

constexpr const char* kUuid0 = "uuid=ab000000-0000-0000-0000-000000000000";
constexpr const char* kUuid2 = "uuid=AB000000000000000000000000000002";
constexpr const char* kPci1 = "pci=0000:99:00.0";

class SelectorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    sampan_test::offer_plugin("mock", SAMPAN_TEST_MOCK);
    static_cast<void>(sampan_test::mock());
  }
  ~SelectorTest() override { ::unsetenv("SAMPAN_DEVICES"); }

  static void show_only(const char* list) { ::setenv("SAMPAN_DEVICES", list, 1); }

  static Words ids_of(const std::vector<Device>& found) {
    Words ids;
    for (const Device& device : found) ids.push_back(device.id());
    return ids;
  }

  static void expect_error(const std::string& selector, ErrorCode code, const Words& words) {
    try {
      const Device found = device(selector);
      ADD_FAILURE() << "'" << selector << "' is " << found.id();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      for (const std::string& word : words) {
        EXPECT_NE(error.info().message.find(word), std::string::npos)
            << "'" << word << "' is not in '" << error.info().message << "'";
      }
      EXPECT_EQ(error.info().message.find('\n'), std::string::npos);
    }
  }
};

TEST_F(SelectorTest, EachFormFindsItsDevice) {
  const std::pair<const char*, const char*> rows[] = {
      {"mock", "mock:0"},      {"mock:0", "mock:0"}, {"mock:2", "mock:2"},
      {" mock:1\t", "mock:1"}, {kUuid0, "mock:0"},   {kUuid2, "mock:2"},
      {kPci1, "mock:1"},       {"auto", "mock:0"},   {"mock:01", "mock:1"},
  };
  for (const auto& [selector, id] : rows) EXPECT_EQ(device(selector).id(), id) << selector;
}

TEST_F(SelectorTest, TextThatMeansNothingIsRefused) {
  for (const char* selector : {"", " ", "mock:", "mock:x", "mock:0x", "mock:-1", "mock:0:0",
                               "mock: 0", "mock:99999999999999999999", "name=x", "=", "mock=0"}) {
    expect_error(selector, ErrorCode::invalid_argument, {"is no device", "write auto"});
  }
}

TEST_F(SelectorTest, UnknownDevicesAreNotFoundAndTheOthersListed) {
  expect_error("mock:3", ErrorCode::not_found, {"'mock:3'", "mock:0, mock:1, mock:2"});
  expect_error("cuda", ErrorCode::not_found, {"'cuda'", "mock"});
  expect_error("Mock", ErrorCode::not_found, {"'Mock'"});
  expect_error("uuid=", ErrorCode::not_found, {"'uuid='", "mock:0"});
  expect_error("uuid=ff", ErrorCode::not_found, {"'uuid=ff'"});
  expect_error("pci=0000:99:00.1", ErrorCode::not_found, {"'pci=0000:99:00.1'"});
}

TEST_F(SelectorTest, SAMPAN_DEVICESRestrictsAndOrders) {
  show_only("mock:2, mock:0");
  EXPECT_EQ(ids_of(devices()), (Words{"mock:2", "mock:0"}));
  EXPECT_EQ(device("auto").id(), "mock:2");
  EXPECT_EQ(device("mock").id(), "mock:0");
  expect_error("mock:1", ErrorCode::not_found, {"SAMPAN_DEVICES hides 'mock:1'", "mock:2, mock:0"});
}

TEST_F(SelectorTest, SAMPAN_DEVICESNamesEachDeviceOnce) {
  show_only("mock:1,mock,mock:1");
  EXPECT_EQ(ids_of(devices()), (Words{"mock:1", "mock:0", "mock:2"}));
  show_only(kPci1);
  EXPECT_EQ(ids_of(devices()), (Words{"mock:1"}));
}

TEST_F(SelectorTest, EmptySAMPAN_DEVICESHidesNothing) {
  show_only("");
  EXPECT_EQ(devices().size(), 3u);
}

TEST_F(SelectorTest, WrongSAMPAN_DEVICESIsAnError) {
  for (const char* list : {"mock:7", "nonsense", "mock:x"}) {
    show_only(list);
    EXPECT_THROW(static_cast<void>(devices()), Error) << list;
    EXPECT_THROW(static_cast<void>(device("auto")), Error) << list;
  }
}

}  // namespace
}  // namespace sampan
