#pragma once

// The schema of a store: the layout of keys and which families there are. Records version
// themselves by their format byte; the schema changes only when that is not enough.

#include <cstdint>
#include <string>
#include <vector>

#include "store/kv.h"

namespace driftwarden::store {

constexpr uint32_t kSchema = 1;
constexpr char kSchemaReader[] = "0.1.0";  // the first version that reads kSchema

// Brings a store from `from` to `from + 1`. It may be cut off by a crash and is then run again from
// its beginning, so it must not mind its own earlier work.
struct MigrationStep {
  uint32_t from = 0;
  std::string reader;  // the first version that reads `from + 1`
  Status (*run)(Kv& kv) = nullptr;
};

struct SchemaPlan {
  uint32_t schema = kSchema;
  std::string reader = kSchemaReader;
  std::vector<MigrationStep> steps;  // one for every older schema
};
SchemaPlan CurrentPlan();

// Writes the schema into an empty store, refuses a newer one (FailedPrecondition, names the version
// that reads it) and migrates an older one step by step; a read-only store is not migrated.
Status BringToSchema(Kv& kv, const SchemaPlan& plan);

}  // namespace driftwarden::store
