#include "store/migrate.h"

#include <algorithm>

#include "base/strings.h"
#include "store/keys.h"
#include "store/records.h"

namespace driftwarden::store {
namespace {

Status WriteSchema(Kv& kv, uint32_t schema, const std::string& reader) {
  KvBatch batch;
  batch.Put(Family::kMeta, SchemaKey(), EncodeSchema({schema, reader}));
  return kv.Write(batch, true);
}

StatusOr<bool> IsEmpty(KvSnapshot& snapshot) {
  const KvRange everything{"", std::string(8, '\xff')};
  for (size_t i = 0; i < kFamilyCount; ++i) {
    DW_ASSIGN_OR_RETURN(const auto found, snapshot.Scan(static_cast<Family>(i), everything, 1));
    if (!found.empty()) return false;
  }
  return true;
}

Status Initialise(Kv& kv, KvSnapshot& snapshot, const SchemaPlan& plan) {
  DW_ASSIGN_OR_RETURN(const bool empty, IsEmpty(snapshot));
  if (!empty) {
    return DataLossError(
        Cat("the store in ", kv.path(), " holds records but no schema: it is damaged"));
  }
  if (kv.read_only()) return NotFoundError(Cat("there is no store in ", kv.path()));
  return WriteSchema(kv, plan.schema, plan.reader);
}

}  // namespace

SchemaPlan CurrentPlan() {
  return SchemaPlan{};
}

Status BringToSchema(Kv& kv, const SchemaPlan& plan) {
  const auto snapshot = kv.Snapshot();
  DW_ASSIGN_OR_RETURN(const auto bytes, snapshot->Get(Family::kMeta, SchemaKey()));
  if (!bytes.has_value()) return Initialise(kv, *snapshot, plan);
  DW_ASSIGN_OR_RETURN(const SchemaRecord found, DecodeSchema(SchemaKey(), *bytes));
  if (found.schema > plan.schema) {
    return PreconditionError(Cat("the store in ", kv.path(), " has schema ", found.schema,
                                 ", which driftwarden ", Printable(found.reader),
                                 " and newer read; this version reads schemas up to ",
                                 plan.schema));
  }
  if (found.schema < plan.schema && kv.read_only()) {
    return PreconditionError(Cat("the store in ", kv.path(), " has the old schema ", found.schema,
                                 ": it must be opened for writing once, to be migrated"));
  }
  for (uint32_t at = found.schema; at < plan.schema; ++at) {
    const auto step = std::find_if(plan.steps.begin(), plan.steps.end(),
                                   [at](const MigrationStep& s) { return s.from == at; });
    if (step == plan.steps.end()) {
      return PreconditionError(
          Cat("the store in ", kv.path(), " has schema ", at, ", which this version cannot read"));
    }
    DW_RETURN_IF_ERROR(
        Annotate(step->run(kv), Cat("migrating the store in ", kv.path(), " from schema ", at)));
    DW_RETURN_IF_ERROR(WriteSchema(kv, at + 1, step->reader));
  }
  return OkStatus();
}

}  // namespace driftwarden::store
