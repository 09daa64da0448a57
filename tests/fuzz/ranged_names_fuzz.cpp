#include "base/strings.h"
#include "tests/fuzz/target.h"
#include "watchers/directory/ranged_values.h"

namespace driftwarden::directory {
namespace {

void TryName(std::string_view input) {
  const auto name = ParseRangedName(input);
  if (!name) return;
  DW_HOLDS(!name->attribute.empty());
  DW_HOLDS(!name->last || *name->last >= name->first);
  if (name->attribute.find(';') != std::string::npos) return;
  const std::string last = name->last ? Cat(*name->last) : "*";
  const auto again = ParseRangedName(Cat(name->attribute, ";range=", name->first, '-', last));
  DW_HOLDS(again && again->attribute == name->attribute);
  DW_HOLDS(again->first == name->first && again->last == name->last);
}

}  // namespace

DW_FUZZ_TARGET(ranged_names) {
  TryName(input);
  TryName(Cat("member;range=", input));
}

}  // namespace driftwarden::directory
