// Identity, facts and selection of devices.
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "conformance.h"

namespace sampan::conformance {
namespace {

const DeviceInfo& info() { return device().info(); }

bool is_power_of_two(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

struct Fact {
  const char* name;
  void (*check)();
};

constexpr Fact kFacts[] = {
    {"IdIsBackendAndOrdinal",
     [] {
       EXPECT_TRUE(info().id.starts_with(info().backend + ":")) << info().id;
       const std::string digits = info().id.substr(info().backend.size() + 1);
       EXPECT_FALSE(digits.empty());
       EXPECT_TRUE(std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }));
     }},
    {"BackendIsAPlainName",
     [] {
       EXPECT_FALSE(info().backend.empty());
       EXPECT_TRUE(std::ranges::all_of(info().backend, [](char c) {
         return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
       })) << info().backend;
     }},
    {"HasAName", [] { EXPECT_FALSE(info().name.empty()); }},
    {"HasAVendor", [] { EXPECT_FALSE(info().vendor.empty()); }},
    {"HasADriver", [] { EXPECT_FALSE(info().driver.empty()); }},
    {"HasAnIsa", [] { EXPECT_FALSE(info().isa.empty()); }},
    {"HasAnIdentity", [] { EXPECT_FALSE(info().identity.empty()); }},
    {"HasATileClass", [] { EXPECT_FALSE(info().tile_class.empty()); }},
    {"KindIsKnown",
     [] {
       const auto kind = info().kind;
       EXPECT_TRUE(kind == DeviceKind::cpu || kind == DeviceKind::gpu ||
                   kind == DeviceKind::accelerator);
     }},
    {"MemoryIsThere",
     [] {
       EXPECT_GE(info().memory_bytes, 1u << 20);
       EXPECT_GE(info().max_allocation_bytes, 1u << 20);
       EXPECT_LE(info().max_allocation_bytes, info().memory_bytes);
     }},
    {"LocalMemoryIsThere", [] { EXPECT_GE(info().local_memory_bytes, 4096u); }},
    {"OffsetAlignmentIsAPowerOfTwo",
     [] {
       // Pieces of a pool are aligned to 256 bytes; more could not be kept.
       EXPECT_TRUE(is_power_of_two(info().offset_alignment_bytes));
       EXPECT_LE(info().offset_alignment_bytes, 256u);
     }},
    {"ComputeUnitsAreThere", [] { EXPECT_GE(info().compute_units, 1u); }},
    {"SubgroupSizeIsAPowerOfTwo", [] { EXPECT_TRUE(is_power_of_two(info().subgroup_size)); }},
    {"GroupsHold64Items",
     [] {
       EXPECT_GE(info().max_group_items, 64u);
       EXPECT_GE(info().max_group[0], 64u);
       EXPECT_GE(info().max_group[1], 1u);
       EXPECT_GE(info().max_group[2], 1u);
     }},
    {"GridsHold65535Groups",
     [] {
       for (const std::uint32_t extent : info().max_grid) EXPECT_GE(extent, 65535u);
     }},
    {"InfoStaysTheSame",
     [] {
       const Device again = sampan::device(info().id);
       EXPECT_EQ(&again.info(), &info());
       EXPECT_EQ(again.id(), info().id);
     }},
    {"MemoryInfoIsPlausible",
     [] {
       const MemoryInfo memory = device().memory_info();
       EXPECT_GT(memory.total_bytes, 0u);
       EXPECT_GT(memory.free_bytes, 0u);
       EXPECT_LE(memory.free_bytes, memory.total_bytes);
     }},
    {"HostAccessIsTrue",
     [] {
       const Buffer buffer = device().allocate(64);
       EXPECT_EQ(buffer.host_data() != nullptr, info().host_access);
     }},
    {"EqualsItselfOnly",
     [] {
       EXPECT_EQ(device(), sampan::device(info().id));
       EXPECT_NE(device(), Device());
       for (const Device& other : other_devices()) EXPECT_NE(device(), other);
     }},
    {"IsListedOnce",
     [] { EXPECT_EQ(std::ranges::count(devices(), device()), 1); }},
    {"AlsoNamesTheSameHardware",
     [] {
       for (const std::string& id : device().also()) {
         EXPECT_NE(id, info().id);
         EXPECT_EQ(sampan::device(id).info().identity, info().identity);
         const auto back = sampan::device(id).also();
         EXPECT_NE(std::ranges::find(back, info().id), back.end());
       }
     }},
    {"BackendIsLoaded",
     [] {
       const std::vector<BackendInfo> all = backends();
       const auto mine = std::ranges::find(all, info().backend, &BackendInfo::name);
       ASSERT_NE(mine, all.end());
       EXPECT_EQ(mine->status, BackendInfo::Status::loaded);
       EXPECT_TRUE(mine->reason.empty()) << mine->reason;
       EXPECT_FALSE(mine->path.empty());
       EXPECT_FALSE(mine->version.empty());
     }},
    {"BackendsThatFailedSayWhy",
     [] {
       for (const BackendInfo& backend : backends()) {
         EXPECT_EQ(backend.reason.empty(), backend.status == BackendInfo::Status::loaded)
             << backend.name;
         EXPECT_NE(to_string(backend.status), "unknown");
       }
     }},
    {"Native", [] { static_cast<void>(device().native()); }},
    {"Telemetry",
     [] {
       const Telemetry figures = device().telemetry();
       EXPECT_FALSE(figures.source.empty());
       EXPECT_TRUE(figures.has_power || figures.has_energy || figures.has_temperature ||
                   figures.has_utilisation || figures.has_clock);
       if (figures.has_utilisation) {
         EXPECT_GE(figures.utilisation, 0.0);
         EXPECT_LE(figures.utilisation, 1.0);
       }
       EXPECT_GE(figures.power_w, 0.0);
     }},
};

// Every call on a device that is none is refused with a sentence.
constexpr Fact kEmpty[] = {
    {"Info", [] { static_cast<void>(Device().info()); }},
    {"Allocate", [] { static_cast<void>(Device().allocate(1)); }},
    {"CreateStream", [] { static_cast<void>(Device().create_stream()); }},
    {"CreateEvent", [] { static_cast<void>(Device().create_event()); }},
    {"Load", [] { static_cast<void>(Device().load(Code::builtin("gemm"))); }},
    {"MemoryInfo", [] { static_cast<void>(Device().memory_info()); }},
    {"PoolStats", [] { static_cast<void>(Device().pool_stats()); }},
    {"Reopen", [] { Device().reopen(); }},
};

struct Selector {
  const char* name;
  std::string text;
};

// `#` stands for the backend's name, `@` for the device's id.
std::string filled(const std::string& pattern) {
  std::string text;
  for (const char c : pattern) {
    if (c == '#') {
      text += info().backend;
    } else if (c == '@') {
      text += info().id;
    } else {
      text += c;
    }
  }
  return text;
}

const Selector kGood[] = {{"Id", "@"}, {"IdWithBlanks", "  @\t"}};

const Selector kBad[] = {
    {"Empty", ""},
    {"Blanks", " \t "},
    {"UnknownBackend", "no_such_backend"},
    {"UnknownBackendWithOrdinal", "no_such_backend:0"},
    {"NoOrdinal", "#:"},
    {"OrdinalThatIsNotThere", "#:99"},
    {"NegativeOrdinal", "#:-1"},
    {"OrdinalWithTail", "#:0x"},
    {"OrdinalWithBlank", "#: 0"},
    {"OrdinalBeyond64Bits", "#:99999999999999999999"},
    {"OnlyColon", ":"},
    {"NoBackend", ":0"},
    {"TwoColons", "@:0"},
    {"TwoDevices", "@,@"},
    {"EmptyUuid", "uuid="},
    {"UnknownUuid", "uuid=00000000-0000-0000-0000-00000000dead"},
    {"NotAUuid", "uuid=zz"},
    {"EmptyPci", "pci="},
    {"UnknownPci", "pci=ffff:ff:1f.7"},
    {"NotAPci", "pci=here"},
    {"UnknownKey", "name=@"},
    {"Upper", "AUTO"},
    {"NotUtf8", "\xff\xfe"},
    {"Nul", std::string("@\0x", 3)},
    {"VeryLong", std::string(100000, 'x')},
};

void expect_refused(const std::string& selector) {
  try {
    const Device found = sampan::device(selector);
    ADD_FAILURE() << "it gave " << found.id();
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::not_found || error.code() == ErrorCode::invalid_argument)
        << error.what();
    EXPECT_FALSE(error.info().message.empty());
  }
}

// Sets SAMPAN_DEVICES for the time of a case.
class Visible {
 public:
  explicit Visible(const std::string& list) {
    if (const char* value = std::getenv(kName)) before_ = value;
    ::setenv(kName, list.c_str(), 1);
  }
  Visible(const Visible&) = delete;
  ~Visible() {
    if (before_) {
      ::setenv(kName, before_->c_str(), 1);
    } else {
      ::unsetenv(kName);
    }
  }

 private:
  static constexpr const char* kName = "SAMPAN_DEVICES";
  std::optional<std::string> before_;
};

const Selector kListsOfThisDevice[] = {
    {"Id", "@"},
    {"Twice", "@,@"},
    {"Blanks", "  @ , "},
    {"EmptyItems", ",,@,,"},
};

constexpr Fact kVisibility[] = {
    {"HidesTheOthers",
     [] {
       const std::vector<Device> others = other_devices();
       const Visible only(info().id);
       EXPECT_EQ(sampan::device("auto"), device());
       for (const Device& other : others) {
         expect_error(
             ErrorCode::not_found, [&] { static_cast<void>(sampan::device(other.id())); },
             {"SAMPAN_DEVICES", info().id});
       }
     }},
    {"KeepsTheOrderGiven",
     [] {
       for (const Device& other : other_devices()) {
         const Visible both(other.id() + "," + info().id);
         EXPECT_EQ(devices(), (std::vector<Device>{other, device()}));
       }
     }},
    {"BackendNameStandsForItsDevices",
     [] {
       const Visible backend(info().backend);
       for (const Device& each : devices()) EXPECT_EQ(each.info().backend, info().backend);
       EXPECT_EQ(std::ranges::count(devices(), device()), 1);
     }},
    {"UnknownIdIsRefused",
     [] {
       const Visible wrong(info().id + ",no_such_backend:3");
       expect_error(ErrorCode::not_found, [] { static_cast<void>(devices()); },
                    {"no_such_backend"});
     }},
};

}  // namespace

void add_device_cases(CaseList& cases) {
  for (const Fact& fact : kFacts) cases.add("Device", fact.name, fact.check);
  for (const Fact& call : kEmpty) {
    cases.add("EmptyDevice", call.name, [&call] {
      expect_error(ErrorCode::invalid_argument, call.check, {"device"});
    });
  }
  for (const Selector& row : kGood) {
    cases.add("Select", row.name,
              [&row] { EXPECT_EQ(sampan::device(filled(row.text)), device()); });
  }
  cases.add("Select", "Backend", [] {
    EXPECT_EQ(sampan::device(info().backend).info().backend, info().backend);
  });
  cases.add("Select", "Auto", [] {
    const std::vector<Device> visible = devices();
    const Device chosen = sampan::device("auto");
    EXPECT_NE(std::ranges::find(visible, chosen), visible.end());
    const bool has_accelerator = std::ranges::any_of(visible, [](const Device& each) {
      return each.info().kind != DeviceKind::cpu && !each.info().emulated;
    });
    EXPECT_EQ(chosen.info().kind != DeviceKind::cpu, has_accelerator);
  });
  for (const Selector& row : kBad) {
    cases.add("SelectBad", row.name, [&row] { expect_refused(filled(row.text)); });
  }
  for (const Selector& row : kListsOfThisDevice) {
    cases.add("Visible", std::string("Only/") + row.name, [&row] {
      const Visible list(filled(row.text));
      EXPECT_EQ(devices(), std::vector<Device>{device()});
    });
  }
  for (const Fact& fact : kVisibility) cases.add("Visible", fact.name, fact.check);
}

}  // namespace sampan::conformance
