// What the host takes over from a plug-in's tables. Each group is bytes here: a size, a reserved
// word, and function pointers.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "core/backend.h"
#include "core/error.h"

namespace sampan::core {
namespace {

struct Group {
  const char* name;
  std::uint64_t bit;  // 0: always required
  std::size_t table_bytes;
  std::size_t member;  // of sampan_backend_t
  std::size_t minor_0_functions;
};

#define GROUP(name, bit, functions) \
  Group { #name, bit, sizeof(sampan_##name##_table_t), offsetof(sampan_backend_t, name), functions }
const Group kGroups[] = {
    GROUP(device, 0, 7),
    GROUP(memory, SAMPAN_CAP_MEMORY, 6),
    GROUP(stream, SAMPAN_CAP_STREAM, 13),
    GROUP(event, SAMPAN_CAP_EVENT, 7),
    GROUP(module, SAMPAN_CAP_MODULE, 5),
    GROUP(graph, SAMPAN_CAP_GRAPH, 4),
    GROUP(peer, SAMPAN_CAP_PEER, 2),
    GROUP(profile, SAMPAN_CAP_PROFILE, 2),
    GROUP(telemetry, SAMPAN_CAP_TELEMETRY, 1),
    GROUP(ops, SAMPAN_CAP_OPS, 4),
};
#undef GROUP

constexpr std::size_t kHeadBytes = 8;

std::size_t functions_of(const Group& group) {
  return (group.table_bytes - kHeadBytes) / sizeof(void*);
}

void some_function() {}

// A plug-in whose tables lie in `tables`, one per group, all complete to begin with.
struct Plugin {
  Plugin() {
    using Words = std::array<std::uintptr_t, sizeof(sampan_backend_t) / sizeof(std::uintptr_t)>;
    backend.size = sizeof(backend);
    backend.abi_major = SAMPAN_ABI_MAJOR;
    backend.abi_minor = SAMPAN_ABI_MINOR;
    backend.name = "test";
    for (const Group& group : kGroups) {
      backend.capabilities |= group.bit;
      tables.emplace_back(group.table_bytes / sizeof(std::uintptr_t));
      set_size(tables.size() - 1, static_cast<std::uint32_t>(group.table_bytes));
      for (std::size_t i = 0; i < functions_of(group); ++i) {
        set_function(tables.size() - 1, i, &some_function);
      }
      auto words = std::bit_cast<Words>(backend);
      words[group.member / sizeof(std::uintptr_t)] =
          reinterpret_cast<std::uintptr_t>(tables.back().data());
      backend = std::bit_cast<sampan_backend_t>(words);
    }
  }
  void set_size(std::size_t group, std::uint32_t size) {
    std::memcpy(tables[group].data(), &size, sizeof(size));
  }
  void set_function(std::size_t group, std::size_t index, void (*function)()) {
    tables[group][kHeadBytes / sizeof(function) + index] =
        reinterpret_cast<std::uintptr_t>(function);
  }
  std::string adopt_into(Backend& out) const { return adopt(backend, out); }

  sampan_backend_t backend{};
  std::vector<std::vector<std::uintptr_t>> tables;  // words of 8 bytes
};

std::string lacks(const Group& group) {
  return std::string("claims the ") + group.name + " group but lacks its function";
}

TEST(Adopt, TakesACompletePlugin) {
  Backend backend;
  EXPECT_EQ(Plugin().adopt_into(backend), "");
  EXPECT_EQ(backend.name, "test");
}

TEST(Adopt, NamesTheGroupOfEveryMissingFunction) {
  for (std::size_t g = 0; g < std::size(kGroups); ++g) {
    for (std::size_t i = 0; i < functions_of(kGroups[g]); ++i) {
      Plugin plugin;
      plugin.set_function(g, i, nullptr);
      Backend backend;
      EXPECT_NE(plugin.adopt_into(backend).find(lacks(kGroups[g])), std::string::npos)
          << kGroups[g].name << ", function " << i;
    }
  }
}

TEST(Adopt, WithoutTheBitAGroupMayBeIncomplete) {
  for (std::size_t g = 1; g < std::size(kGroups); ++g) {
    Plugin plugin;
    plugin.backend.capabilities &= ~kGroups[g].bit;
    for (std::size_t i = 0; i < functions_of(kGroups[g]); ++i) plugin.set_function(g, i, nullptr);
    Backend backend;
    EXPECT_EQ(plugin.adopt_into(backend), "") << kGroups[g].name;
  }
}

// A table of minor 0, exactly as long as it was then, is whole; any shorter one isn't.
TEST(Adopt, KnowsWhatMinor0Had) {
  for (std::size_t g = 0; g < std::size(kGroups); ++g) {
    const std::size_t whole = kHeadBytes + kGroups[g].minor_0_functions * sizeof(void*);
    for (std::size_t size = 0; size <= kGroups[g].table_bytes; ++size) {
      Plugin plugin;
      plugin.backend.abi_minor = 0;
      plugin.set_size(g, static_cast<std::uint32_t>(size));
      Backend backend;
      const std::string refusal = plugin.adopt_into(backend);
      if (size >= whole) {
        EXPECT_EQ(refusal, "") << kGroups[g].name << ", " << size << " bytes";
      } else {
        EXPECT_NE(refusal.find(lacks(kGroups[g])), std::string::npos)
            << kGroups[g].name << ", " << size << " bytes";
      }
    }
  }
}

TEST(Adopt, SizesBeyondOursReadNothingBehindOurs) {
  for (std::size_t g = 0; g < std::size(kGroups); ++g) {
    Plugin plugin;  // the address sanitizer watches the table's end
    plugin.set_size(g, UINT32_MAX);
    Backend backend;
    EXPECT_EQ(plugin.adopt_into(backend), "");
    EXPECT_EQ(backend.device.size, sizeof(sampan_device_table_t)) << "as the host knows it";
  }
}

TEST(Adopt, WhatIsMissingAnswersUnsupported) {
  Plugin plugin;
  plugin.backend.capabilities = 0;
  plugin.backend.memory = nullptr;
  plugin.backend.ops = nullptr;
  Backend backend;
  ASSERT_EQ(plugin.adopt_into(backend), "");
  ErrorRecord error;
  sampan_memory_t* memory = nullptr;
  EXPECT_EQ(backend.memory.allocate(nullptr, SAMPAN_MEMORY_DEVICE, 1, &memory, error.raw()),
            SAMPAN_UNSUPPORTED);
  EXPECT_EQ(error.get().code, SAMPAN_UNSUPPORTED);
  EXPECT_STRNE(error.get().message, "");
  EXPECT_EQ(memory, nullptr);
  backend.memory.release(nullptr);
  EXPECT_STREQ(backend.ops.name(nullptr), "");
}

TEST(Adopt, ShortBackendStructsAreReadNoFurther) {
  for (std::uint32_t size = 0; size < sizeof(sampan_backend_t); ++size) {
    Plugin plugin;
    plugin.backend.size = size;
    plugin.backend.capabilities = 0;
    Backend backend;
    const std::string refusal = plugin.adopt_into(backend);
    const bool has_device = size >= offsetof(sampan_backend_t, memory);
    EXPECT_EQ(refusal.empty(), has_device) << size << ": " << refusal;
  }
}

TEST(Adopt, NamesAreChecked) {
  for (const char* name : {"", "Upper", "with space", "dash-ed", "a/b", "..", "line\nbreak",
                           "thirty_two_characters_are_too_ma"}) {
    Plugin plugin;
    plugin.backend.name = name;
    Backend backend;
    EXPECT_NE(plugin.adopt_into(backend).find("[a-z0-9_]+"), std::string::npos) << name;
  }
  for (const char* name : {"a", "0", "_", "thirty_one_characters_are_just_"}) {
    Plugin plugin;
    plugin.backend.name = name;
    Backend backend;
    EXPECT_EQ(plugin.adopt_into(backend), "") << name;
  }
}

}  // namespace
}  // namespace sampan::core
