#include "backends/cpu/builtin.h"

namespace sampan::cpu {

const BuiltinModule* find_builtin(std::string_view name, std::string_view options,
                                  native::IsaLevel isa) {
  const BuiltinModule* best = nullptr;
  for (const BuiltinModule& module : builtin_modules()) {
    if (module.isa <= isa && module.name == name && module.options == options &&
        (best == nullptr || best->isa < module.isa)) {
      best = &module;
    }
  }
  return best;
}

}  // namespace sampan::cpu
