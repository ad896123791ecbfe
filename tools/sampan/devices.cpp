#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "output.h"
#include "sampan/device.h"

namespace sampan::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Device& device) {
  const DeviceInfo& info = device.info();
  return {{"device", info.id},
          {"backend", info.backend},
          {"name", info.name},
          {"vendor", info.vendor},
          {"driver_version", info.driver},
          {"isa", info.isa},
          {"emulated", info.emulated},
          {"memory_bytes", info.memory_bytes},
          {"compute_units", info.compute_units},
          {"identity", info.identity},
          {"also", device.also()}};
}

Json to_json(const BackendInfo& info) {
  return {{"backend", info.name},    {"status", to_string(info.status)},
          {"reason", info.reason},   {"path", info.path},
          {"version", info.version}, {"driver_path", info.driver_path}};
}

void print_json() {
  Json out{{"devices", Json::array()}, {"backends", Json::array()}};
  for (const Device& device : devices()) out["devices"].push_back(to_json(device));
  for (const BackendInfo& info : backends()) out["backends"].push_back(to_json(info));
  std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void print_text() {
  Table table({"device", "name", "driver", "memory", "same hardware as"});
  for (const Device& device : devices()) {
    const DeviceInfo& info = device.info();
    table.add({info.id + (info.emulated ? " (emulated)" : ""), info.name, info.driver,
               human_bytes(info.memory_bytes), joined(device.also())});
  }
  table.print(5);
  std::printf("\n");
  Table status({"backend", "status", "driver or reason"});
  for (const BackendInfo& info : backends()) {
    const std::string why = info.reason.empty() ? info.driver_path : info.reason;
    status.add({info.name, std::string(to_string(info.status)), why});
  }
  status.print(3);
}

}  // namespace

void add_devices(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "devices", "List the devices, and every backend found, not found or refused");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON");
  command->callback([json, &exit_code] {
    *json ? print_json() : print_text();
    exit_code = 0;
  });
}

}  // namespace sampan::cli
